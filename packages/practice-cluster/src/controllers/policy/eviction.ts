import { types } from '../../resources/table.ts'
import type { Store } from '../../store/types.ts'
import { timestamp } from '../decision.ts'
import type { DisruptionBudget, Pod } from '../model.ts'
import { isDeleting, isFinished, isReady } from '../pod-state.ts'
import { selects } from '../selector.ts'

/**
 * The answer to an eviction. Allowed: the caller stores `budget` with `updateStatus` (unless it is a dry run) and then
 * deletes the pod. Refused: a Status with this code, message and, for 429, the cause `DisruptionBudget`.
 */
export type EvictionVerdict =
  | { readonly kind: 'allowed'; readonly budget: DisruptionBudget | undefined }
  | {
      readonly kind: 'refused'
      readonly code: 429 | 500
      readonly reason: 'TooManyRequests' | 'InternalError'
      readonly message: string
      readonly causes: readonly { readonly reason: string; readonly message: string }[]
      readonly retryAfterSeconds?: number
    }

/** Whether a pod may be evicted now, as the Eviction API of Kubernetes decides it. */
export function decideEviction(pod: Pod, budgets: readonly DisruptionBudget[], now: number): EvictionVerdict {
  const matching = budgets.filter(({ spec }) => selects(spec.selector, pod.metadata.labels))
  const [budget] = matching
  if (budget === undefined || isFree(pod)) return { kind: 'allowed', budget: undefined }
  if (matching.length > 1) {
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'
    return { kind: 'refused', code: 500, reason: 'InternalError', message, causes: [] }
  }
  if (!isReady(pod) && letsUnhealthyGo(budget)) return { kind: 'allowed', budget: undefined }
  return judge(pod, budget, now)
}

/** The same, asked of a store. */
export function evictionOf(store: Store, pod: Pod, now: number): EvictionVerdict {
  const budgets = store.list(types.poddisruptionbudgets, pod.metadata.namespace) as readonly DisruptionBudget[]
  return decideEviction(pod, budgets, now)
}

const isFree = (pod: Pod): boolean => isFinished(pod) || isDeleting(pod) || pod.status?.phase === 'Pending'

function letsUnhealthyGo({ spec, status }: DisruptionBudget): boolean {
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {}
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy
}

function judge(pod: Pod, budget: DisruptionBudget, now: number): EvictionVerdict {
  const { name, generation = 0 } = budget.metadata
  const { status } = budget
  if (status === undefined || (status.observedGeneration ?? 0) < generation) {
    return {
      ...refused(`The disruption budget ${name} is still being processed by the server.`),
      retryAfterSeconds: 10,
    }
  }
  if (status.disruptionsAllowed <= 0) {
    const { desiredHealthy, currentHealthy } = status
    return refused(
      `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
    )
  }
  const disruptedPods = { ...status.disruptedPods, [pod.metadata.name]: timestamp(now) }
  const next = { ...status, disruptedPods, disruptionsAllowed: status.disruptionsAllowed - 1 }
  return { kind: 'allowed', budget: { ...budget, status: next } }
}

function refused(why: string): Extract<EvictionVerdict, { kind: 'refused' }> {
  return {
    kind: 'refused',
    code: 429,
    reason: 'TooManyRequests',
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    causes: [{ reason: 'DisruptionBudget', message: why }],
  }
}
