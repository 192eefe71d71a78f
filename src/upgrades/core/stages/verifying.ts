import { withStatus } from '../instances.ts'
import { statusReasons, waits } from '../reasons.ts'
import { flotilla } from '../transitions.ts'
import { enter, stop } from '../turns.ts'
import { withChecks } from './checking.ts'
import { go, type Look, type StageHandler, type Step, soon, stageEnds, wait } from './look.ts'
import { endFailed } from './opening.ts'
import { stoppedOr } from './stopped.ts'

/** The post-checks: a failed one counts as the threshold reached (SPEC section 5, "Safety"). */
export const verifying: StageHandler = (look) =>
  stoppedOr(look, () => {
    const { execution, checks, now } = look
    if (withStatus(execution.instances, 'FAILED').length > 0) return endFailed(look)
    if (checks === null) return wait(execution, waits.checks, soon(look))
    const checked = withChecks(execution, checks)
    const post = checked.checks.filter(({ phase }) => phase === 'POST')
    const failed = post.filter(({ status }) => status === 'FAILED').map(({ name }) => name)
    if (failed.length > 0) return go(stop(checked, statusReasons.postChecks, failed.join(', '), now))
    const open = post.filter(({ status }) => status === 'PENDING').map(({ name }) => name)
    const late = checked.instances.filter(({ status }) => status !== 'COMPLETED')
    if (open.length === 0 && late.length === 0) return go(concluded(checked, now))
    return notYet({ ...look, execution: checked }, open.length > 0 ? open.join(', ') : `${late.length} instances`)
  })

function notYet(look: Look, what: string): Step {
  const { execution, now } = look
  if (now >= stageEnds(execution)) return go(stop(execution, statusReasons.postChecks, what, now))
  return wait(execution, waits.checks, soon(look), what)
}

/** All is as it should be: from here on there is no way but COMPLETED. */
function concluded(execution: Look['execution'], now: number): Look['execution'] {
  const ending = { to: 'COMPLETED', reason: null, code: null, by: flotilla, note: null, immediate: false } as const
  return { ...enter(execution, 'concluding', now), ending }
}
