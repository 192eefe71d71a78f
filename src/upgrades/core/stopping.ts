import { seconds } from '../../core/instant.ts'
import { budgetOf } from './batches.ts'
import { targetPod, withStatus } from './instances.ts'
import type { Execution } from './model.ts'
import { type StatusReason, statusReasons } from './reasons.ts'
import { isProving, strategyOf } from './strategies/index.ts'

export type StopReason = { readonly code: StatusReason; readonly detail: string }

/** How many instances may be unavailable now. */
export function budgetNow({ currentInstances, spec }: Execution): number {
  return budgetOf(currentInstances, spec.maxUnavailablePercentage)
}

/** Why the upgrade must stop (SPEC section 5, "Safety"), or null while it may go on. */
export function stopReasonOf(execution: Execution): StopReason | null {
  const { spec, rollbackInfo } = execution
  const failed = withStatus(execution.instances, 'FAILED')
  const detail = failuresIn(execution)
  if (rollbackInfo.currentFailures >= spec.failureThreshold) return { code: statusReasons.threshold, detail }
  if (failed.length === 0) return null
  if (isProving(execution)) {
    return { code: strategyOf(execution).switches ? statusReasons.green : statusReasons.canary, detail }
  }
  if (spec.strategy !== 'RECREATE' && failed.length >= budgetNow(execution))
    return { code: statusReasons.budget, detail }
  return isBlocked(execution) ? { code: statusReasons.blocked, detail } : null
}

/** How many failed, and the first of them with its reason. */
export function failuresIn({ rollbackInfo, currentInstances, instances }: Execution): string {
  const count = `${rollbackInfo.currentFailures} failed of ${currentInstances}`
  const [first] = withStatus(instances, 'FAILED').toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0))
  if (first === undefined) return count
  const pod = targetPod(first) ?? first.pod
  const name = pod === null ? `instance ${first.index}` : `instance ${first.index} (${pod.name})`
  return `${count}, first ${name}: ${first.message ?? 'it failed'}`
}

/** Where instances move in one order, none passes one that is broken or did not leave. */
function isBlocked({ capabilities, instances }: Execution): boolean {
  const waits = instances.some(({ status }) => status === 'PENDING' || status === 'DRAINING')
  if (!capabilities.ordered || !waits) return false
  return instances.some((instance) => instance.status === 'FAILED' && (!instance.ready || targetPod(instance) === null))
}

/** True when the canary has a failed instance, or its upgrade was taken from us: it cannot be promoted. */
export function hasFailedCanary(execution: Execution): boolean {
  if (execution.status !== 'CANARY_MONITORING') return false
  return execution.statusReason === statusReasons.canary || stopReasonOf(execution) !== null
}

/** When what has had its time since that moment, as long as an instance may take, has run out of it. */
export function timeLimit({ spec }: Execution, from: number): number {
  return from + seconds(spec.healthCheckTimeoutSeconds)
}
