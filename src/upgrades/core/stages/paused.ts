import { releasesWith } from '../children.ts'
import { isSettled, recall, retire } from '../choosing.ts'
import { isInFlight } from '../instances.ts'
import type { Execution, Instance } from '../model.ts'
import { mapChanged, patch } from '../patch.ts'
import { statusReasons, waits } from '../reasons.ts'
import { isGated } from './closing.ts'
import { type Look, type StageHandler, wait } from './look.ts'
import { nextRound, settleGate, whileInFlight } from './moving.ts'

/** PAUSED: what is in flight settles; nothing is started. */
export const paused: StageHandler = (look) => {
  const next = { ...look, execution: settling(look) }
  const approval = next.execution.statusReason === statusReasons.approval
  const reason = approval ? waits.approval : waits.paused
  const step = mayArrive(look) ? null : settleGate(next, reason)
  if (step !== null) return step
  const inFlight = next.execution.instances.filter(isInFlight).length
  if (isSettled(next.execution)) return wait(next.execution, reason, nextRound(next))
  const settled = whileInFlight(next)
  const detail = `${inFlight} instances in flight`
  return settled.kind === 'wait'
    ? wait(next.execution, reason, settled.waitingFor.until ?? nextRound(next), detail)
    : settled
}

/** What was let go goes on, old pods of passed ones retire, and what the gate never opened for is taken back. */
export function settling(look: Look): Execution {
  const { execution, before, fleet } = look
  const retired = retire(execution, before, fleet)
  if (mayArrive(look)) return retired
  if (isGated(execution)) return recall(retired, fleet.gate)
  return execution.capabilities.hold === 'each' ? recallEach({ ...look, execution: retired }) : retired
}

/** How long a write of a worker that was lost may still be on its way. */
export const lateMs = 3000

/** True while the act of a lost worker may still arrive: what it was to let go is not taken back yet. */
export function mayArrive({ attempt, now }: Look): boolean {
  return attempt?.result === 'interrupted' && now < (attempt.endedAt ?? now) + lateMs
}

/**
 * True for a look that does not show the order which the newest act gave to a release, or may have given before its worker
 * was lost: it is older than that, and helm may run by now. What was given is there, however late it is; what may have been is
 * there soon, or never.
 */
export function isBehind({ attempt, releases, now }: Look): boolean {
  if (attempt === null) return false
  const { act, result, endedAt } = attempt
  const mayHave = result === 'interrupted' && now < (endedAt ?? now) + lateMs
  if (result !== 'done' && !mayHave) return false
  if (act.kind !== 'deploy' && act.kind !== 'undo') return false
  return act.releaseIds.some((id) => releases.get(id)?.[act.kind].kind === 'absent')
}

/** The same where each instance is a release: those that no upgrade was given to wait for their turn again. */
function recallEach({ execution, releases }: Look): Execution {
  const absent = new Set(releasesWith(execution, releases, 'deploy', 'absent'))
  const instances = mapChanged(execution.instances, (one): Instance => {
    const isGiven = one.status === 'UPGRADING' && absent.has(one.key ?? '')
    return isGiven ? { ...one, status: 'PENDING', startedAt: null } : one
  })
  return patch(execution, { instances })
}
