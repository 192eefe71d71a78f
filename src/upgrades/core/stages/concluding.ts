import { failureOf, releasesWith } from '../children.ts'
import { statusReasons, waits } from '../reasons.ts'
import { finish, flotilla } from '../transitions.ts'
import { endAs, failing } from '../turns.ts'
import { act, go, type Look, type StageHandler, type Step, soon, wait } from './look.ts'

/** The operations that waited for a verdict succeed, and the execution is COMPLETED. */
export const concluding: StageHandler = (look) => {
  const { execution, releases, now } = look
  const open = succeed(look, 'deploy')
  if (open !== null) return open
  const failure = failureOf(execution, releases, 'deploy')
  if (failure !== null) return go(endAs(execution, failing(statusReasons.deploy, failure.detail), now))
  const seen = releasesWith(execution, releases, 'deploy', 'succeeded', 'absent')
  if (seen.length < execution.claims.length) return wait(execution, waits.concluding, soon(look))
  return { kind: 'end', execution: finish(execution, 'COMPLETED', null, { at: now, by: flotilla, reason: null }) }
}

/** The verdict that all is ready, for those that wait for one; null when none does. */
export function succeed({ execution, releases }: Look, which: 'deploy' | 'undo'): Step | null {
  const releaseIds = releasesWith(execution, releases, which, 'held', 'running')
  if (releaseIds.length === 0) return null
  return act(execution, { kind: 'conclude', which, releaseIds, verdict: { kind: 'ready' } }, waits.concluding)
}
