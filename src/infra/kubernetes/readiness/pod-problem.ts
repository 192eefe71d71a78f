import { withoutFoundValues } from '../found-values.ts'
import { conditionOf } from './judgement.ts'
import type { Pod } from './workload-types.ts'

type WithStatus = Pick<Pod, 'status'>

/** True for a pod that has ended by itself. */
export function hasEnded({ status }: WithStatus): boolean {
  return status?.phase === 'Failed' || status?.phase === 'Succeeded'
}

/** True for a pod that takes traffic. */
export function isReady(pod: WithStatus): boolean {
  return !hasEnded(pod) && conditionOf(pod.status?.conditions, 'Ready')?.status === 'True'
}

/**
 * Why a pod is not ready: reasons, never the messages of containers, which may hold values. As long as a scheduler writes it: it
 * is to be masked, and cut then (`maskedSaying`). Pure.
 */
export function problemOf(pod: WithStatus): string {
  const { status = {} } = pod
  if (hasEnded(pod)) return `it is ${status.phase}${status.reason === undefined ? '' : ` (${status.reason})`}`
  const scheduled = conditionOf(status.conditions, 'PodScheduled')
  if (scheduled?.status === 'False') return withoutFoundValues(scheduled.message ?? 'no node takes it')
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
  const [stopped] = containers.flatMap(({ name, state }) => {
    const reason = state?.waiting?.reason ?? (state?.running === undefined ? state?.terminated?.reason : undefined)
    return reason === undefined || reason === 'Completed' ? [] : [`container ${name}: ${reason}`]
  })
  return stopped ?? (status.phase === 'Running' ? 'it is not ready' : `it is ${status.phase ?? 'Pending'}`)
}
