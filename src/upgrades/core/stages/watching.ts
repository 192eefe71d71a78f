import type { Instant } from '../../../core/instant.ts'
import { targetPod } from '../instances.ts'
import type { Execution } from '../model.ts'
import { statusReasons, waits } from '../reasons.ts'
import { timeLimit } from '../stopping.ts'
import { stop } from '../turns.ts'
import { go, goTo, type Look, type StageHandler, type Step, stageEnds, wait } from './look.ts'
import { nextRound } from './moving.ts'
import { stopUnpinned } from './pinning.ts'
import { stoppedOr } from './stopped.ts'

/** Blue-green: the new set serves and is checked; the way back is one switch. */
export const watching: StageHandler = (look) =>
  stoppedOr(look, () => {
    const { execution, fleet, now } = look
    if (execution.capabilities.pin && fleet.pin?.to !== 'target') return trafficTaken(look)
    const until = stageEnds(execution)
    // One bad check more would be a failure: what is in doubt at the end is seen once more. Where there is always one, or none
    // can be asked any more, the post-checks judge.
    const isInDoubt = now < longestOf(execution) && execution.instances.some(({ health }) => health.bad > 0)
    if (now >= until && !isInDoubt) return goTo(look, execution, 'opening')
    if (now >= until) return wait(execution, waits.watching, nextRound(look), 'the newest health check was bad')
    return wait(execution, waits.watching, Math.min(until, nextRound(look)))
  })

/** Until when a doubt prolongs the watch: no more than twice its time. */
const longestOf = (execution: Execution): Instant => timeLimit(execution, stageEnds(execution))

const taken = 'traffic had to be taken from the new set'

/**
 * The new set has lost the traffic, and does not get it again. Those that are not ready are first judged by their health
 * checks, so that they are FAILED and counted: nobody is served by them any more.
 */
function trafficTaken(look: Look): Step {
  const { execution, now } = look
  const stopped = stopUnpinned(look)
  if (stopped !== null) return stopped
  const until = stageEnds(execution)
  if (now >= until || !hasDying(look)) return go(stop(execution, statusReasons.green, taken, now))
  return wait(execution, waits.watching, Math.min(until, nextRound(look)), taken)
}

/** True while an instance that has passed is not ready, and may be FAILED by its next check. */
function hasDying({ execution, members }: Look): boolean {
  return execution.instances.some((instance) => {
    const pod = instance.status === 'COMPLETED' ? targetPod(instance) : null
    return pod !== null && members.get(pod.uid)?.ready !== true
  })
}
