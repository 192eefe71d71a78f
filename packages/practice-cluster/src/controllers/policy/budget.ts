import { types } from '../../resources/table.ts'
import { jsonEqual } from '../../store/equal.ts'
import { withCondition } from '../conditions.ts'
import { type Decision, millis, sooner } from '../decision.ts'
import type { DisruptionBudget, DisruptionBudgetStatus, Pod } from '../model.ts'
import { isDeleting, isFinished, isReady } from '../pod-state.ts'
import { resolve } from '../quantity.ts'

/** How long an eviction counts though its pod is still there. */
const EVICTION_MS = 120_000

export type BudgetSnapshot = {
  readonly budget: DisruptionBudget
  /** The pods that its selector matches. */
  readonly pods: readonly Pod[]
  /** How many pods the workloads of these pods ask for in all. */
  readonly scale: number
  readonly now: number
}

/** Counts what a PodDisruptionBudget allows right now. */
export function decideBudget({ budget, pods, scale, now }: BudgetSnapshot): Decision {
  const counted = pods.filter((pod) => !isFinished(pod))
  const disrupted = stillDisrupted(budget, counted, now)
  const { expected, desired } = wanted(budget, counted.length, scale)
  const healthy = counted.filter((pod) => isReady(pod) && !isDeleting(pod) && !(pod.metadata.name in disrupted)).length
  const allowed = expected === 0 ? 0 : Math.max(0, healthy - desired)
  const status: DisruptionBudgetStatus = {
    ...(Object.keys(disrupted).length === 0 ? {} : { disruptedPods: disrupted }),
    currentHealthy: healthy,
    desiredHealthy: desired,
    disruptionsAllowed: allowed,
    expectedPods: expected,
    observedGeneration: budget.metadata.generation ?? 0,
    conditions: withCondition(budget.status?.conditions, condition(budget, allowed), now),
  }
  const waits = Object.values(disrupted).map((at) => Math.max(1000, millis(at) + EVICTION_MS - now))
  return {
    writes: jsonEqual(status, budget.status)
      ? []
      : [{ kind: 'status', type: types.poddisruptionbudgets, object: { ...budget, status } }],
    requeueAfterMs: waits.reduce<number | undefined>(sooner, undefined),
  }
}

function wanted({ spec }: DisruptionBudget, pods: number, scale: number): { expected: number; desired: number } {
  const { minAvailable, maxUnavailable } = spec
  if (maxUnavailable !== undefined)
    return { expected: scale, desired: Math.max(0, scale - resolve(maxUnavailable, scale, 'up')) }
  const least = minAvailable ?? 0
  return typeof least === 'number'
    ? { expected: pods, desired: least }
    : { expected: scale, desired: resolve(least, scale, 'up') }
}

function stillDisrupted(budget: DisruptionBudget, pods: readonly Pod[], now: number): Readonly<Record<string, string>> {
  const present = new Set(pods.filter((pod) => !isDeleting(pod)).map(({ metadata }) => metadata.name))
  const noted = Object.entries(budget.status?.disruptedPods ?? {})
  return Object.fromEntries(noted.filter(([name, at]) => present.has(name) && millis(at) + EVICTION_MS > now))
}

function condition(budget: DisruptionBudget, allowed: number) {
  const status = allowed > 0 ? ('True' as const) : ('False' as const)
  const reason = allowed > 0 ? 'SufficientPods' : 'InsufficientPods'
  return { type: 'DisruptionAllowed', status, reason, message: '', observedGeneration: budget.metadata.generation ?? 0 }
}
