import { isInFlight, isOnTarget, withStatus } from '../instances.ts'
import { settlesBy, stopping } from '../leaving.ts'
import type { Execution } from '../model.ts'
import { followOthers } from '../others.ts'
import { statusReasons, waits } from '../reasons.ts'
import { failuresIn } from '../stopping.ts'
import { strategyOf } from '../strategies/index.ts'
import { endAs, failing, stop } from '../turns.ts'
import { act, go, goTo, type Look, type StageHandler, type Step, soon, wait } from './look.ts'
import { stoppedOr } from './stopped.ts'

/** The gate goes: the workload is as its chart says, old pods that were kept retire, the other workloads move. */
export const opening: StageHandler = (look) =>
  stoppedOr(look, () => {
    const { execution, fleet } = look
    if (withStatus(execution.instances, 'FAILED').length > 0) return endFailed(look)
    if (fleet.gate.kind !== 'none')
      return act(execution, { kind: 'gate', position: { kind: 'none' }, take: [] }, waits.gate)
    const left = takeLeft(look)
    if (left !== null) return left
    const why = notSettled(look)
    if (why !== null) return waitFor({ ...look, execution: followOthers(look) }, why)
    if (fleet.pin !== null) return act(execution, { kind: 'pin', to: null }, waits.pin)
    return goTo(look, execution, 'verifying')
  })

/**
 * RECREATE replaces also what the charts of other workloads leave to whoever deletes pods (docs/adr/0034); with other
 * strategies such a workload is refused, or said to stay as it is. Null where nothing is left.
 */
export function takeLeft({ execution, fleet }: Look): Step | null {
  const { left = [] } = fleet.others
  if (left.length === 0 || !strategyOf(execution).allAtOnce) return null
  return act(execution, { kind: 'removePods', pods: left }, waits.others)
}

/** An execution with a failed instance is FAILED, never COMPLETED. */
export function endFailed({ execution, now }: Look): Step {
  return go(endAs(execution, failing(statusReasons.failures, failuresIn(execution)), now))
}

function waitFor(look: Look, why: string): Step {
  const { execution, now } = look
  const until = settlesBy(execution)
  if (now >= until) return go(stop(execution, statusReasons.notSettled, why, now))
  return wait(execution, waits.others, Math.min(until, soon(look) + Math.floor((now - execution.stageSince) / 8)), why)
}

const mostNamed = 5

/** What is not as it should be yet, or null. */
function notSettled({ execution, fleet }: Look): string | null {
  if (!fleet.others.settled) return fleet.others.blockers.join('; ') || 'other workloads of the release'
  const going = execution.instances.flatMap((instance) => stopping(instance) ?? [])
  if (going.length > 0) return going.slice(0, mostNamed).join('; ')
  const late = execution.instances.filter((instance) => !isDone(execution, instance))
  return late.length === 0 ? null : `${late.length} instances are not on the target version alone`
}

function isDone({ change }: Execution, instance: Execution['instances'][number]): boolean {
  return (
    change?.podsChange === false || (isOnTarget(instance) && !isInFlight(instance) && instance.status !== 'PENDING')
  )
}
