import { firstReason, isBehind, type Judgement, NOT_OBSERVED } from './judgement.ts'
import type { StatefulSet } from './workload-types.ts'

/**
 * Ready when every replica is ready and those that are to be on the update revision are: all of them, those from the
 * partition upwards, or, with `OnDelete`, none by the controller's own doing.
 */
export function judgeStatefulSet(set: StatefulSet): Judgement {
  const { spec = {}, status = {} } = set
  const total = spec.replicas ?? 1
  const { readyReplicas = 0, availableReplicas = readyReplicas, replicas = 0 } = status
  return firstReason(Math.min(readyReplicas, total), total, [
    isBehind(set, status.observedGeneration) && NOT_OBSERVED,
    updateReason(set, total),
    readyReplicas < total && `${readyReplicas} of ${total} are ready`,
    availableReplicas < total && `${availableReplicas} of ${total} are available`,
    replicas > total && `${replicas - total} are to go`,
  ])
}

function updateReason({ spec = {}, status = {} }: StatefulSet, total: number): string | false {
  if (spec.updateStrategy?.type === 'OnDelete') return false
  const partition = spec.updateStrategy?.rollingUpdate?.partition ?? 0
  const wanted = Math.max(0, total - partition)
  const updated = status.updatedReplicas ?? 0
  if (updated < wanted) return `${updated} of ${wanted} are updated`
  // The controller names the update current only when every pod has it; before, some may be going still.
  const undecided = partition === 0 && status.currentRevision !== status.updateRevision
  return undecided && 'the update is not complete yet'
}
