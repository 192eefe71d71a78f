import { findCondition, isTrue } from './conditions.ts'
import { millis } from './decision.ts'
import type { Pod } from './model.ts'

export const isDeleting = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined

/** Whether a pod has ended, well or badly. */
export const isFinished = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'

/** Whether a pod counts as a replica: it has not ended and is not going. */
export const isActive = (pod: Pod): boolean => !isFinished(pod) && !isDeleting(pod)

export const isReady = (pod: Pod): boolean => isTrue(pod.status?.conditions, 'Ready')

/** Since when a pod is Ready, in milliseconds; only meaningful while it is. */
export function readySince(pod: Pod): number {
  return millis(findCondition(pod.status?.conditions, 'Ready')?.lastTransitionTime)
}

/** How long until a Ready pod is available, in milliseconds: 0 is available now, undefined is not Ready. */
export function availableInMs(pod: Pod, minReadySeconds: number, now: number): number | undefined {
  if (!isReady(pod)) return undefined
  if (minReadySeconds <= 0) return 0
  return Math.max(0, readySince(pod) + minReadySeconds * 1000 - now)
}

/** Whether a pod has been Ready for long enough. */
export function isAvailable(pod: Pod, minReadySeconds: number, now: number): boolean {
  return availableInMs(pod, minReadySeconds, now) === 0
}

/** When the next Ready pod becomes available, in milliseconds from now. */
export function nextAvailableInMs(pods: readonly Pod[], minReadySeconds: number, now: number): number | undefined {
  const waits = pods.map((pod) => availableInMs(pod, minReadySeconds, now)).filter((ms) => ms !== undefined && ms > 0)
  return waits.length === 0 ? undefined : Math.min(...waits.map((ms) => ms ?? 0))
}
