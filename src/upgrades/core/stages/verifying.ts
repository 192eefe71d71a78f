import type { Instant } from '../../../core/instant.ts'
import { isInFlight, withStatus } from '../instances.ts'
import { limitOf } from '../leaving.ts'
import type { Check, Execution, Instance } from '../model.ts'
import { followInstances } from '../others.ts'
import { mapChanged } from '../patch.ts'
import { statusReasons, waits } from '../reasons.ts'
import { stopReasonOf } from '../stopping.ts'
import { flotilla } from '../transitions.ts'
import { enter, stop } from '../turns.ts'
import { withChecks } from './checking.ts'
import { go, type Look, type StageHandler, type Step, soon, stageEnds, wait, waitUntil } from './look.ts'
import { endFailed } from './opening.ts'
import { stoppedOr } from './stopped.ts'

/**
 * The post-checks: a failed one counts as the threshold reached (SPEC section 5, "Safety"). One that has not passed yet is
 * PENDING, and FAILED when its time is over, or an instance has failed that it waits for (docs/adr/0051).
 */
export const verifying: StageHandler = (look) => {
  if (look.checks === null) return stoppedOr(look, () => wait(look.execution, waits.checks, soon(look)))
  const execution = withChecks(anew(look), look.checks)
  const next = { ...look, execution }
  const open = execution.checks.filter(isOpen)
  const someFailed = withStatus(execution.instances, 'FAILED').length > 0
  const late = execution.instances.filter(({ status }) => status !== 'COMPLETED').length
  if (open.length > 0 && (someFailed || isOver(next))) return failChecks(next, open)
  return stoppedOr(next, () => {
    if (someFailed) return endFailed(next)
    if (open.length === 0 && late === 0) return go(concluded(execution, look.now))
    const missing = open.length > 0 ? namesOf(open, true) : `${late} instances`
    if (isOver(next)) return go(stop(execution, statusReasons.postChecks, missing, look.now))
    return waitUntil(execution, waits.checks, timesOf(next), missing)
  })
}

const isOpen = ({ phase, status }: Check): boolean => phase === 'POST' && status !== 'PASSED'

/** One more instance that has passed is progress: what comes after it (a StatefulSet's next) has its time as well. */
function anew({ execution, now }: Look): Execution {
  return followInstances(execution, withStatus(execution.instances, 'COMPLETED').length, now)
}

/**
 * What is in flight comes to its own end, so it is waited for: until it has passed no post-check can. Not for what began after
 * the end: where an autoscaler flaps there is always another one.
 */
function isOver({ execution, now }: Look): boolean {
  return now >= stageEnds(execution) && !execution.instances.some(isAwaited(execution))
}

const isAwaited = (execution: Execution) => (one: Instance) =>
  isInFlight(one) && (one.startedAt ?? 0) < stageEnds(execution)

function timesOf(look: Look): { readonly until: Instant; readonly lookBy: Instant } {
  const { execution, now } = look
  const limits = execution.instances.filter(isAwaited(execution)).map((one) => limitOf(execution, one, now))
  const until = Math.max(stageEnds(execution), ...limits, soon(look))
  return { until, lookBy: soon(look) }
}

function namesOf(open: readonly Check[], explained = false): string {
  return open.map(({ name, message }) => (explained ? `${name}: ${message}` : name)).join(explained ? '; ' : ', ')
}

/** Where failed instances are themselves a reason to stop, that is told; the checks have failed all the same. */
function failChecks({ execution, now }: Look, open: readonly Check[]): Step {
  const checks = mapChanged(
    execution.checks,
    (check): Check => (isOpen(check) ? { ...check, status: 'FAILED' } : check),
  )
  const { code, detail } = stopReasonOf(execution) ?? { code: statusReasons.postChecks, detail: namesOf(open) }
  return go(stop({ ...execution, checks }, code, detail, now))
}

/** All is as it should be: from here on there is no way but COMPLETED. */
function concluded(execution: Look['execution'], now: number): Look['execution'] {
  const ending = { to: 'COMPLETED', reason: null, code: null, by: flotilla, note: null, immediate: false } as const
  return { ...enter(execution, 'concluding', now), ending }
}
