import { ActFailed } from '../../infra/engine/index.ts'
import {
  type ClusterEndpoint,
  type Ending,
  endRevision,
  readRevision,
  UnreadableRecordError,
} from '../../infra/helm/index.ts'
import type { Release, ReleaseAct } from '../core/model.ts'
import type { ActDeps, ReleaseActContext } from './context.ts'

/**
 * Ends a revision as `failed` in Helm's own storage (DESIGN.md, "Settling"). Writes only over the very Secret that was
 * decided about, with the version that was just read: another write meanwhile makes this one fail, and it is decided anew.
 */
export function settle(deps: ActDeps) {
  return (act: Extract<ReleaseAct, { kind: 'settle' }>, context: ReleaseActContext): Promise<void> =>
    overwrite(deps, act, { status: 'failed', description: act.reason }, context)
}

/** Calls an earlier revision superseded, as helm does; its description says how it ended and stays. */
export function supersede(deps: ActDeps) {
  return (act: Extract<ReleaseAct, { kind: 'supersede' }>, context: ReleaseActContext): Promise<void> =>
    overwrite(deps, act, { status: 'superseded' }, context)
}

async function overwrite(
  deps: ActDeps,
  { revision, secretUid, objectsOf }: StoredAt,
  end: Ending,
  { lease, subject: { release } }: ReleaseActContext,
): Promise<void> {
  const cluster = deps.ports.clusters.of(release.clusterId).endpoint
  const stored = await readRevision(cluster, release.namespace, release.name, revision)
  if (stored === null || stored.uid !== secretUid) throw moved()
  const before = objectsOf === undefined ? null : await readBefore(cluster, release, objectsOf)
  if (lease.remainingMs() <= 0) throw moved()
  const written = await endRevision(cluster, stored, end, new Date(deps.clock.now()), before)
  if (!written) throw moved()
}

type StoredAt = { readonly revision: number; readonly secretUid: string; readonly objectsOf?: number }

/** One that cannot be decoded names no objects to helm either. */
async function readBefore(cluster: ClusterEndpoint, { namespace, name }: Release, revision: number) {
  try {
    return await readRevision(cluster, namespace, name, revision)
  } catch (error) {
    if (error instanceof UnreadableRecordError) return null
    throw error
  }
}

function moved(): ActFailed {
  return new ActFailed('unchanged', { code: 'conflict', detail: 'the record changed while it was being settled' })
}
