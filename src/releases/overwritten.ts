import type { FieldConflict, HelmRevision, ReleaseState } from './core/model.ts'
import { rollbackAhead } from './core/way-back.ts'
import type { ReleaseCluster } from './ports.ts'

export type OverwrittenDeps = {
  readonly cluster: Pick<ReleaseCluster, 'overwritten'>
  /** The manifest of a revision that is mirrored; null where it is not. */
  readonly manifestOf: (state: ReleaseState, revision: number) => Promise<string | null>
}

/** So many fields are named. */
const most = 100

/** Fields that hold a rollout are Flotilla's own: they are given back, not overwritten. */
const isOwn = ({ manager }: FieldConflict): boolean => manager.startsWith('flotilla')

/**
 * What the rollback that is next takes from other hands (SPEC section 3, "what was overwritten is recorded"); null while
 * none is next. That it cannot be told must not keep a release from going back.
 */
export async function overwrittenNext(
  state: ReleaseState,
  newest: HelmRevision,
  { cluster, manifestOf }: OverwrittenDeps,
): Promise<readonly FieldConflict[] | null> {
  const target = rollbackAhead(state, newest)
  if (target === null) return null
  try {
    const manifest = await manifestOf(state, target)
    if (manifest === null) return null
    const fields = await cluster.overwritten(manifest, state.release)
    return fields.filter((field) => !isOwn(field)).slice(0, most)
  } catch {
    return null
  }
}
