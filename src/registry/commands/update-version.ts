import type { Uuid } from '../../core/subject.ts'
import type { Tx } from '../../infra/database/types.ts'
import type { Caller, OnDone } from '../../tenants/index.ts'
import { versionEvent } from '../core/events.ts'
import type { Component, Version } from '../core/model.ts'
import type { RegistryDeps } from '../deps.ts'
import { findVersion, updateVersion as save } from '../store/versions.ts'
import { changeComponent, noSuchVersion, type Patch, patched } from './change.ts'
import { lifeDays, moveRecommendation, type NewVersion, refuseDisorder, refuseEmptyRange } from './create-version.ts'

/** A chart version of null is again the version itself. */
export type VersionPatch = Patch<Omit<NewVersion, 'version'>>

/**
 * Changes the given fields of a version; its number stays. A version that becomes recommended takes that from the one
 * that was. Throws `not_found`, and `malformed` for a platform range that would be empty, or days in no
 * order.
 */
export function updateVersion(
  deps: RegistryDeps,
  caller: Caller,
  ids: { readonly componentId: Uuid; readonly versionId: Uuid },
  patch: VersionPatch,
  onDone: OnDone<Version>,
): Promise<Version> {
  const change = async (tx: Tx, component: Component) => {
    const before = await findVersion(tx, component.id, ids.versionId)
    if (before === null) throw noSuchVersion(ids.versionId)
    const { helmChartVersion: chart, ...rest } = patch
    const { after: wanted, changed } = patched<Version>(before, {
      ...rest,
      helmChartVersion: chart === null ? before.version : chart,
    })
    if (changed.length === 0) return { result: before, events: [] }
    const after: Version = { ...wanted, updatedAt: deps.clock.now() }
    refuseEmptyRange(after)
    // What was accepted before can be changed otherwise.
    if (lifeDays.some((name) => changed.includes(name))) refuseDisorder(after, changed)
    const moved = after.recommended ? await moveRecommendation(tx, deps, caller, component, after.id) : []
    await save(tx, after)
    return {
      result: after,
      events: [...moved, versionEvent(component, after, 'updated', caller.principal.name, changed)],
    }
  }
  return changeComponent(deps, caller, ids.componentId, change, onDone)
}
