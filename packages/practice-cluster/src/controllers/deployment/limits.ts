import type { Deployment } from '../model.ts'
import { resolve } from '../quantity.ts'

/** The value of `progressDeadlineSeconds` that means: no deadline. */
export const NO_DEADLINE = 2_147_483_647

export const replicasOf = (deployment: Deployment): number => deployment.spec.replicas ?? 1

export const isRecreate = (deployment: Deployment): boolean => deployment.spec.strategy?.type === 'Recreate'

/** How many pods a rolling update may have above `replicas`, and how many below may be unavailable. */
export type Limits = { readonly surge: number; readonly unavailable: number }

/** The limits in pods. Percentages of a surge round up, of unavailable ones down; both 0 would never move. */
export function limitsOf(deployment: Deployment): Limits {
  const replicas = replicasOf(deployment)
  if (isRecreate(deployment)) return { surge: 0, unavailable: 0 }
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec.strategy?.rollingUpdate ?? {}
  const surge = resolve(maxSurge, replicas, 'up')
  const unavailable = resolve(maxUnavailable, replicas, 'down')
  return { surge, unavailable: Math.min(replicas, surge === 0 && unavailable === 0 ? 1 : unavailable) }
}

/** The deadline of progress in milliseconds, or undefined when there is none. */
export function progressDeadlineMs(deployment: Deployment): number | undefined {
  const seconds = deployment.spec.progressDeadlineSeconds ?? 600
  return seconds === NO_DEADLINE ? undefined : seconds * 1000
}
