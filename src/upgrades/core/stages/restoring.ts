import type { Instant } from '../../../core/instant.ts'
import { isBack } from '../instances.ts'
import { settlesBy } from '../leaving.ts'
import { followOthers } from '../others.ts'
import { statusReasons, waits } from '../reasons.ts'
import { enter } from '../turns.ts'
import { act, go, type Look, type StageHandler, soon, wait } from './look.ts'
import { takeLeft } from './opening.ts'
import { leaveUntouched } from './releasing.ts'
import { followBack, giveUp } from './reverting.ts'

/** Back: the workload is as its chart says, and traffic goes to whoever is ready. */
export const restoring: StageHandler = (look) => {
  const { fleet, now } = look
  const execution =
    fleet.gate.kind === 'none' ? followOthers({ ...look, execution: followBack(look.execution, now) }) : look.execution
  if (!execution.deployed) return leaveUntouched(look) ?? go(backAgain(execution, now))
  if (fleet.gate.kind !== 'none')
    return act(execution, { kind: 'gate', position: { kind: 'none' }, take: [] }, waits.gate)
  if (fleet.pin !== null) return act(execution, { kind: 'pin', to: null }, waits.pin)
  const left = takeLeft({ ...look, execution })
  const until = settlesBy(execution)
  if (left !== null && now < until) return left
  if (!fleet.others.settled && now < until) {
    return wait(execution, waits.others, Math.min(until, soon(look)), fleet.others.blockers.join('; '))
  }
  const away = mustBeBack(execution) ? execution.instances.filter((instance) => !isBack(instance)) : []
  if (away.length > 0 && now >= until) return giveUp({ ...look, execution }, away)
  if (away.length > 0) return wait(execution, waits.reverting, Math.min(until, soon(look)))
  return go(backAgain(execution, now))
}

/** True when something was moved that had to come back. */
function mustBeBack({ change }: Look['execution']): boolean {
  return change?.podsChange === true
}

/** From here on there is no way but ROLLED_BACK. */
function backAgain(execution: Look['execution'], now: Instant): Look['execution'] {
  const by = execution.rollbackInfo.rollbackInitiatedBy ?? ''
  const reason = execution.statusReason ?? statusReasons.rolledBack
  return {
    ...enter(execution, 'releasing', now),
    ending: { to: 'ROLLED_BACK', reason, code: null, by, note: null, immediate: false },
  }
}
