import type { DomainEvent } from '../../core/events.ts'
import { malformed, Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Tx } from '../../infra/database/types.ts'
import type { Caller, OnDone } from '../../tenants/index.ts'
import { versionEvent } from '../core/events.ts'
import type { Component, Version } from '../core/model.ts'
import { compareCoerced } from '../core/versions.ts'
import type { RegistryDeps } from '../deps.ts'
import { insertVersion, takeRecommendation } from '../store/versions.ts'
import { changeComponent } from './change.ts'

export type NewVersion = Omit<Version, 'id' | 'componentId' | 'createdAt' | 'updatedAt' | 'helmChartVersion'> & {
  /** Null: the version itself. */
  readonly helmChartVersion: string | null
}

/**
 * Adds a version to a component. When it is recommended, the one that was is so no longer. Throws `not_found` for an
 * unknown component, `conflict` for a number that is there, `malformed` for a platform range that is empty, and
 * for days that are in no order.
 */
export function createVersion(
  deps: RegistryDeps,
  caller: Caller,
  componentId: Uuid,
  wanted: NewVersion,
  onDone: OnDone<Version>,
): Promise<Version> {
  refuseEmptyRange(wanted)
  refuseDisorder(wanted)
  const now = deps.clock.now()
  const helmChartVersion = wanted.helmChartVersion ?? wanted.version
  const made = { createdAt: now, updatedAt: now }
  const version: Version = { id: deps.newId(), componentId, ...wanted, helmChartVersion, ...made }
  const change = async (tx: Tx, component: Component) => {
    const moved = version.recommended ? await moveRecommendation(tx, deps, caller, component, version.id) : []
    if (!(await insertVersion(tx, version))) throw numberTaken(component, version.version)
    return { result: version, events: [...moved, versionEvent(component, version, 'created', caller.principal.name)] }
  }
  return changeComponent(deps, caller, componentId, change, onDone)
}

function numberTaken(component: Component, version: string): Problem {
  return new Problem('conflict', `${component.name} has a version ${version} already`, {
    errors: [{ pointer: '/version', message: 'is taken' }],
  })
}

/** A range of platforms that holds none is a mistake. */
export function refuseEmptyRange(version: Pick<Version, 'minPlatformVersion' | 'maxPlatformVersion'>): void {
  const { minPlatformVersion: min, maxPlatformVersion: max } = version
  if (min !== null && max !== null && compareCoerced(min, max) > 0)
    throw malformed('/maxPlatformVersion', 'must not be older than minPlatformVersion')
}

/** The days of a version's life, the first one first. */
export const lifeDays = ['releaseDate', 'endOfSupportDate', 'endOfLifeDate'] as const

/** Nothing ends before it begins: a day that is before an earlier one's is a mistake. */
export function refuseDisorder(
  version: Pick<Version, (typeof lifeDays)[number]>,
  given: readonly string[] = lifeDays,
): void {
  const [known, ...later] = lifeDays.filter((name) => version[name] !== null)
  let before = known
  for (const name of later) {
    if (before !== undefined && (version[name] ?? '') < (version[before] ?? ''))
      throw given.includes(name)
        ? malformed(`/${name}`, `must not be before ${before}`)
        : malformed(`/${before}`, `must not be after ${name}`)
    before = name
  }
}

/** Makes room for another recommended version, and gives the event of the one that was. */
export async function moveRecommendation(
  tx: Tx,
  deps: RegistryDeps,
  caller: Caller,
  component: Component,
  to: Uuid,
): Promise<readonly DomainEvent[]> {
  const was = await takeRecommendation(tx, component.id, to, deps.clock.now())
  return was === null ? [] : [versionEvent(component, was, 'updated', caller.principal.name, ['recommended'])]
}
