import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Caller, OnDone } from '../../tenants/index.ts'
import { pathEvent } from '../core/events.ts'
import type { RiskLevel, UpgradePath, Version } from '../core/model.ts'
import { compareVersions, defaultRisk, upgradeTypeOf } from '../core/versions.ts'
import type { RegistryDeps } from '../deps.ts'
import { insertPath } from '../store/paths.ts'
import { findVersions } from '../store/versions.ts'
import { changeComponent, noSuchVersion } from './change.ts'

type Derived = 'id' | 'componentId' | 'fromVersion' | 'toVersion' | 'upgradeType' | 'createdAt'
export type NewPath = Omit<UpgradePath, Derived | 'riskLevel'> & {
  /** Null: by the type of the upgrade. */
  readonly riskLevel: RiskLevel | null
}

/**
 * Adds an edge to the upgrade graph. Throws `not_found` for an unknown version, `refused` for versions of two components
 * and for a step that does not go up (an upgrade path is no way back), `conflict` when the edge is there.
 */
export async function createPath(
  deps: RegistryDeps,
  caller: Caller,
  wanted: NewPath,
  onDone: OnDone<UpgradePath>,
): Promise<UpgradePath> {
  const { from, to } = await endsOf(deps, wanted)
  const path = pathBetween(from, to, wanted, { id: deps.newId(), createdAt: deps.clock.now() })
  return changeComponent(
    deps,
    caller,
    from.componentId,
    async (tx, component) => {
      if (!(await insertPath(tx, path))) throw edgeTaken(path)
      return { result: path, events: [pathEvent(component, path, caller.principal.name)] }
    },
    onDone,
  )
}

/** Neither the number of a version nor its component ever changes: they may be read before the lock. */
async function endsOf(deps: RegistryDeps, { fromVersionId, toVersionId }: NewPath) {
  const found = await findVersions(deps.db, [fromVersionId, toVersionId])
  const versionOf = (id: Uuid): Version => {
    const version = found.find((each) => each.id === id)
    if (version === undefined) throw noSuchVersion(id)
    return version
  }
  const [from, to] = [versionOf(fromVersionId), versionOf(toVersionId)]
  if (from.componentId !== to.componentId) throw refusedTarget('must be a version of the same component')
  if (compareVersions(from.version, to.version) >= 0)
    throw refusedTarget(`must be newer than ${from.version}, and is ${to.version}`)
  return { from, to }
}

function pathBetween(
  from: Version,
  to: Version,
  wanted: NewPath,
  made: Pick<UpgradePath, 'id' | 'createdAt'>,
): UpgradePath {
  const upgradeType = upgradeTypeOf(from.version, to.version)
  const riskLevel = wanted.riskLevel ?? defaultRisk[upgradeType]
  const ends = { componentId: from.componentId, fromVersion: from.version, toVersion: to.version }
  return { ...made, ...ends, ...wanted, upgradeType, riskLevel }
}

function refusedTarget(message: string): Problem {
  return new Problem('refused', `toVersionId ${message}`, { errors: [{ pointer: '/toVersionId', message }] })
}

function edgeTaken({ fromVersion, toVersion }: UpgradePath): Problem {
  return new Problem('conflict', `There is an upgrade path from ${fromVersion} to ${toVersion} already`)
}
