import { ActFailed } from '../../infra/engine/index.ts'
import type { ActContext } from '../../infra/engine/types.ts'
import type { ReleaseAct } from '../core/model.ts'
import type { ActDeps } from './context.ts'

/** Deletes broken pods of an abandoned StatefulSet revision, each by its UID, so that a new pod of that name is safe. */
export function removeStuckPods(deps: ActDeps) {
  return async (act: Extract<ReleaseAct, { kind: 'removeStuckPods' }>, { lease }: ActContext): Promise<void> => {
    const { release } = await deps.subject(lease.subject.id, act.operationId)
    if (lease.remainingMs() <= 0)
      throw new ActFailed('unchanged', { code: 'interrupted', detail: 'the lease was lost' })
    await deps.ports.clusters.of(release.clusterId).removePods(release.namespace, act.pods)
  }
}
