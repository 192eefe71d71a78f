import { ActFailed } from '../../infra/engine/index.ts'
import { readRevision, settle as settleRecord } from '../../infra/helm/index.ts'
import type { ReleaseAct } from '../core/model.ts'
import type { ActDeps, ReleaseActContext } from './context.ts'

/**
 * Ends a revision as `failed` in Helm's own storage (DESIGN.md, "Settling"). Writes only over the very Secret that was
 * decided about, with the version that was just read: another write meanwhile makes this one fail, and it is decided anew.
 */
export function settle(deps: ActDeps) {
  return async (act: Extract<ReleaseAct, { kind: 'settle' }>, { lease, subject }: ReleaseActContext): Promise<void> => {
    const { release } = subject
    const cluster = deps.ports.clusters.of(release.clusterId).endpoint
    const stored = await readRevision(cluster, release.namespace, release.name, act.revision)
    if (stored === null || stored.uid !== act.secretUid) throw moved()
    if (lease.remainingMs() <= 0) throw moved()
    const written = await settleRecord(cluster, stored, act.reason, new Date(deps.clock.now()))
    if (!written) throw moved()
  }
}

function moved(): ActFailed {
  return new ActFailed('unchanged', { code: 'conflict', detail: 'the record changed while it was being settled' })
}
