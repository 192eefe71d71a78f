import { AccessRefused, ClusterError, ManifestError } from '../infra/kubernetes/index.ts'
import type { Log } from '../infra/log.ts'
import type { FieldConflict, HelmRevision, Overwritten, ReleaseState } from './core/model.ts'
import { rollbackAhead } from './core/way-back.ts'
import type { ReleaseCluster } from './ports.ts'

export type OverwrittenDeps = {
  readonly cluster: Pick<ReleaseCluster, 'overwritten'>
  /** The manifest of a revision that is mirrored; null where it is not. */
  readonly manifestOf: (state: ReleaseState, revision: number) => Promise<string | null>
  readonly log: Pick<Log, 'error'>
}

/** So many fields are named. */
const most = 100

/** Fields that hold a rollout are Flotilla's own: they are given back, not overwritten. */
const isOwn = ({ manager }: FieldConflict): boolean => manager.startsWith('flotilla')

/**
 * What the rollback that is next takes from other hands (SPEC section 3, "what was overwritten is recorded"); null while
 * none is next. That it cannot be told must not keep a release from going back: it is told that it is not known.
 */
export async function overwrittenNext(
  state: ReleaseState,
  newest: HelmRevision,
  deps: OverwrittenDeps,
): Promise<Overwritten | null> {
  const target = rollbackAhead(state, newest)
  if (target === null) return null
  try {
    return await read(state, target, deps)
  } catch (error) {
    const why = whyUnknown(error)
    if (why === null)
      deps.log.error({ err: error, releaseId: state.release.id }, 'what a rollback overwrites was not read')
    return { fields: [], incomplete: why ?? 'it could not be asked' }
  }
}

async function read(
  state: ReleaseState,
  target: number,
  { cluster, manifestOf }: OverwrittenDeps,
): Promise<Overwritten> {
  const manifest = await manifestOf(state, target)
  if (manifest === null) return { fields: [], incomplete: `the manifest of revision ${target} is not known` }
  const { fields, unknown } = await cluster.overwritten(manifest, state.release)
  const others = fields.filter((field) => !isOwn(field))
  const isCut = others.length > most ? [`there are more than ${most} fields`] : []
  const isUnknown = unknown > 0 ? [`the cluster did not tell of ${unknown} of the objects`] : []
  const incomplete = [...isCut, ...isUnknown].join('; ')
  return { fields: others.slice(0, most), incomplete: incomplete === '' ? null : incomplete }
}

/** What can be wrong with a cluster or a manifest; null for a fault of ours. */
function whyUnknown(error: unknown): string | null {
  if (error instanceof ManifestError) return 'the manifest of the revision cannot be read'
  if (error instanceof AccessRefused) return 'the cluster does not let Flotilla act as the tenant'
  return error instanceof ClusterError ? 'the cluster could not be asked' : null
}
