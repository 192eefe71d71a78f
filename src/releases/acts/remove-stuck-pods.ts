import { ActFailed } from '../../infra/engine/index.ts'
import type { ReleaseAct } from '../core/model.ts'
import type { ActDeps, ReleaseActContext } from './context.ts'

/** Deletes broken pods of an abandoned StatefulSet revision, each by its UID, so that a new pod of that name is safe. */
export function removeStuckPods(deps: ActDeps) {
  return async (
    act: Extract<ReleaseAct, { kind: 'removeStuckPods' }>,
    { lease, subject }: ReleaseActContext,
  ): Promise<void> => {
    const { release } = subject
    if (lease.remainingMs() <= 0)
      throw new ActFailed('unchanged', { code: 'interrupted', detail: 'the lease was lost' })
    await deps.ports.clusters.of(release.clusterId).removePods(release.namespace, act.pods)
  }
}
