import { listRecords, readRevision } from '../../infra/helm/index.ts'
import type { ReleaseState, RevisionSummary } from '../core/model.ts'
import { lastKnown, mayBeRunning, runningRevision } from '../core/running.ts'
import type { ReleaseDeps } from '../deps.ts'
import { helmRevision } from '../observe.ts'

/** So long history waits for a cluster: what is mirrored is there in any case. */
const patienceMs = 2_000

/** The revision that our helm is making right now, read from Helm's storage; null where it makes none or that does not answer. */
export async function revisionUnderWay(deps: ReleaseDeps, state: ReleaseState): Promise<RevisionSummary | null> {
  if (!mayBeRunning(state)) return null
  const over = new AbortController()
  const tooLate = deps.clock.sleep(patienceMs, over.signal).then(() => null)
  try {
    return await Promise.race([read(deps, state), tooLate])
  } catch {
    return null
  } finally {
    over.abort()
  }
}

async function read({ ports }: ReleaseDeps, state: ReleaseState): Promise<RevisionSummary | null> {
  const { clusterId, namespace, name } = state.release
  const { endpoint } = ports.clusters.of(clusterId)
  const { records } = await listRecords(endpoint, { namespace, release: name })
  const newest = Math.max(0, ...records.map(({ version }) => version))
  if (newest <= lastKnown(state)) return null
  const stored = await readRevision(endpoint, namespace, name, newest)
  return stored === null ? null : runningRevision(state, helmRevision(stored, null))
}
