import { failureOf, releasesWith, touchedReleases } from '../children.ts'
import { patch } from '../patch.ts'
import { statusReasons, waits } from '../reasons.ts'
import { endAs, failing } from '../turns.ts'
import { templatesOf } from '../without-effect.ts'
import { helmAtWork, waitForHelm } from './helm-at-work.ts'
import { act, go, goTo, type Look, type StageHandler, type Step, soon, wait } from './look.ts'
import { isBehind } from './paused.ts'

/** Back: the upgrade is concluded as failed, then helm goes back to the revision of before. */
export const undoing: StageHandler = (look) => {
  const { execution, releases } = look
  if (isBehind(look)) return wait(execution, waits.helm, soon(look))
  const open = releasesWith(execution, releases, 'deploy', 'held', 'running')
  if (open.length > 0) return concludeAsFailed(look, open)
  if (releasesWith(execution, releases, 'deploy', 'failed', 'succeeded', 'absent').length < execution.claims.length) {
    return wait(execution, waits.helm, soon(look))
  }
  return execution.capabilities.hold === 'each' ? goTo(look, execution, 'reverting') : undo(look)
}

function concludeAsFailed(look: Look, releaseIds: readonly string[]): Step {
  const { execution } = look
  const verdict = {
    kind: 'failed',
    code: 'rolled_back',
    detail: `the upgrade was rolled back: ${execution.statusReason}`,
  } as const
  return act(
    execution,
    { kind: 'conclude', which: 'deploy', releaseIds, verdict },
    waits.helm,
    helmAtWork(look, 'deploy'),
  )
}

function undo(look: Look): Step {
  const { execution, releases, now } = look
  const failure = failureOf(execution, releases, 'undo')
  if (failure !== null) return go(endAs(execution, failing(statusReasons.rollback, failure.detail, failure.code), now))
  const absent = new Set(releasesWith(execution, releases, 'undo', 'absent'))
  const missing = touchedReleases(execution, releases).filter((id) => absent.has(id))
  if (missing.length > 0) {
    return act(patch(execution, { templates: null }), { kind: 'undo', releaseIds: missing }, waits.helm)
  }
  if (releasesWith(execution, releases, 'undo', 'running').length > 0) return waitForHelm(look, 'undo')
  return goTo(look, patch(execution, { templates: templatesOf(look.fleet) }), 'reverting')
}
