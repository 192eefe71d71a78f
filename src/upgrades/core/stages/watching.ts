import { statusReasons, waits } from '../reasons.ts'
import { stop } from '../turns.ts'
import { go, goTo, type StageHandler, stageEnds, wait } from './look.ts'
import { nextRound } from './moving.ts'
import { stoppedOr } from './stopped.ts'

/** Blue-green: the new set serves and is checked; the way back is one switch. */
export const watching: StageHandler = (look) =>
  stoppedOr(look, () => {
    const { execution, fleet, now } = look
    const somebody = execution.instances.length > 0
    if (somebody && execution.capabilities.pin && fleet.pin?.to !== 'target') {
      return go(stop(execution, statusReasons.green, 'traffic had to be taken from the new set', now))
    }
    const until = stageEnds(execution)
    if (now >= until) return goTo(look, execution, 'opening')
    return wait(execution, waits.watching, Math.min(until, nextRound(look)))
  })
