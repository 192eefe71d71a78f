import type { Instant } from '../../core/instant.ts'
import type { ErrorCode } from '../../core/problems.ts'
import { backToPending, isAdmitted, targetPod, untouched } from './instances.ts'
import type { Ending, Execution, ExecutionStatus, Instance, Stage } from './model.ts'
import { mapChanged } from './patch.ts'
import { type StatusReason, statusReasons, waits } from './reasons.ts'
import { flotilla, type Mover, moveThrough } from './transitions.ts'

/** The next stage, from now. */
export function enter(execution: Execution, stage: Stage, now: Instant): Execution {
  return { ...execution, stage, stageSince: now, othersProgress: null, instancesProgress: null }
}

/** Nothing more is chosen; what was chosen and not let go waits for its turn again. */
export function chooseNobody(execution: Execution): Execution {
  const instances = mapChanged(execution.instances, backToPending)
  return { ...execution, instances, batchLeft: 0 }
}

type Way = Exclude<ExecutionStatus, 'PENDING' | 'VALIDATING' | 'ROLLING_BACK' | 'ROLLED_BACK' | 'COMPLETED'>
const pathBack: Readonly<Record<Exclude<Way, 'FAILED' | 'CANCELLED'>, readonly ExecutionStatus[]>> = {
  IN_PROGRESS: ['ROLLING_BACK'],
  CANARY_RUNNING: ['CANARY_MONITORING', 'ROLLING_BACK'],
  CANARY_MONITORING: ['ROLLING_BACK'],
  PAUSED: ['IN_PROGRESS', 'ROLLING_BACK'],
}

/** The recorded steps to ROLLING_BACK, as SPEC section 5 lists them; throws where there is no way. */
function wayBack({ status, pausedFrom }: Execution): readonly ExecutionStatus[] {
  if (status === 'PAUSED' && pausedFrom === 'CANARY_RUNNING') return ['CANARY_RUNNING', ...pathBack.CANARY_RUNNING]
  const path = pathBack[status as keyof typeof pathBack]
  if (path === undefined) throw new Error(`there is no way back from ${status}`)
  return path
}

/** Turns round: every step is recorded in one decision, which starts nothing. `code` is what `statusReason` says. */
export function turnBack(execution: Execution, code: StatusReason, mover: Mover): Execution {
  const moved = moveThrough(chooseNobody(execution), wayBack(execution), mover)
  return {
    ...enter(moved, 'repinning', mover.at),
    statusReason: code,
    waitingFor: { reason: waits.reverting, until: mover.at },
    pausedFrom: null,
    ending: null,
    nextBatchAt: null,
    instances: mapChanged(moved.instances, facingBack),
    rollbackInfo: {
      ...moved.rollbackInfo,
      rollbackReason: mover.reason,
      rollbackInitiatedAt: mover.at,
      rollbackInitiatedBy: mover.by,
    },
  }
}

/** One that was let go and has not left yet is as if nothing had happened; of the others it is to be seen that they left. */
function facingBack(instance: Instance): Instance {
  if (instance.unchanged) return untouched(instance)
  const isAsBefore = instance.pod !== null || instance.previousPods.length === 0
  if (instance.status === 'UPGRADING' && targetPod(instance) === null && isAsBefore) return untouched(instance)
  return isAdmitted(instance) ? { ...instance, upAt: null, surge: false } : instance
}

/** On the way to a terminal status: what is in flight settles, then everything is put in order. */
export function endAs(execution: Execution, ending: Ending, now: Instant): Execution {
  const reason = ending.to === 'CANCELLED' ? waits.cancelling : waits.freezing
  return {
    ...enter(chooseNobody(execution), 'releasing', now),
    ending,
    statusReason: ending.reason,
    waitingFor: { reason, until: now },
  }
}

/** An ending that Flotilla decided on. `why` is for people. */
export function failing(reason: StatusReason, why: string | null = null, code: ErrorCode | null = null): Ending {
  const note = why === null ? null : `${reason}: ${why}`
  return { to: 'FAILED', reason, code, by: flotilla, note, immediate: false }
}

/**
 * The upgrade stops (SPEC section 5, "Safety"): back with auto-rollback, else FAILED. A canary that is being monitored
 * stays as it is without auto-rollback. `reason` is for people.
 */
export function stop(execution: Execution, code: StatusReason, reason: string, now: Instant): Execution {
  if (execution.spec.autoRollbackEnabled) {
    return turnBack(execution, code, { at: now, by: flotilla, reason: `${code}: ${reason}` })
  }
  if (execution.status === 'CANARY_MONITORING') {
    return execution.statusReason === statusReasons.canary
      ? execution
      : { ...execution, statusReason: statusReasons.canary }
  }
  return endAs(execution, failing(code, reason), now)
}
