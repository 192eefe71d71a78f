/*
 * What stands in the way of a whole upgrade, and is no instance's failure: there is nobody (`empty.ts`), or another hand's pod
 * template (`edited.ts`). It is waited for, and then the upgrade stops.
 */
import type { Instant } from '../../core/instant.ts'
import type { Execution, Stage } from './model.ts'
import { type StatusReason, waits } from './reasons.ts'
import { atInterval, go, type Look, type Step, wait } from './stages/look.ts'
import { stop } from './turns.ts'

/** PAUSED waits for a person; back and at the end nothing has to be proved. */
export function goesForward({ ending, status }: Execution): boolean {
  return ending === null && status !== 'PAUSED' && status !== 'ROLLING_BACK'
}

/** Stages with a time of their own, which does not run while there is nothing to be looked at. */
const timed: ReadonlySet<Stage> = new Set(['watching', 'opening', 'verifying'])

/** With the time of its stage begun anew, where that has one. */
export function withTimeKept(execution: Execution, now: Instant): Execution {
  return timed.has(execution.stage) ? { ...execution, stageSince: now } : execution
}

/** As if the threshold were reached (SPEC section 5, "Safety"). A canary that is monitored stays so, as one that failed. */
export function stopHeldUp(look: Look, reason: StatusReason, detail: string): Step {
  const stopped = stop(look.execution, reason, detail, look.now)
  const stays = stopped.status === 'CANARY_MONITORING'
  return stays ? wait(stopped, waits.canaryFailed, atInterval(look, stopped), detail) : go(stopped)
}
