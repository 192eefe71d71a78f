import type { Pod, StatefulSet, StatefulSetStatus } from '../model.ts'
import { isAvailable, isDeleting, isReady } from '../pod-state.ts'
import { replicasOf, revisionOf } from './identity.ts'

type Names = { readonly current: string; readonly update: string }

/** Counts the pods of a set by state and revision, and ends a rollout when all are of the new one and ready. */
export function statusOf(set: StatefulSet, pods: readonly Pod[], names: Names, now: number): StatefulSetStatus {
  const staying = pods.filter((pod) => !isDeleting(pod))
  const minReady = set.spec.minReadySeconds ?? 0
  const counted: StatefulSetStatus = {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: pods.length,
    readyReplicas: pods.filter(isRunningAndReady).length,
    availableReplicas: pods.filter((pod) => isRunningAndReady(pod) && isAvailable(pod, minReady, now)).length,
    currentReplicas: staying.filter((pod) => revisionOf(pod) === names.current).length,
    updatedReplicas: staying.filter((pod) => revisionOf(pod) === names.update).length,
    currentRevision: names.current,
    updateRevision: names.update,
    collisionCount: set.status?.collisionCount ?? 0,
  }
  return isRolledOut(set, counted)
    ? { ...counted, currentRevision: names.update, currentReplicas: counted.updatedReplicas }
    : counted
}

export const isOnDelete = (set: StatefulSet): boolean => set.spec.updateStrategy?.type === 'OnDelete'

export const isRunningAndReady = (pod: Pod): boolean => pod.status?.phase === 'Running' && isReady(pod)

function isRolledOut(set: StatefulSet, status: StatefulSetStatus): boolean {
  const counts = [status.updatedReplicas, status.readyReplicas, status.replicas]
  return !isOnDelete(set) && counts.every((count) => count === replicasOf(set))
}
