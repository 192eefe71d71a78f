import { seconds } from '../../../core/instant.ts'
import { isEdited } from '../edited.ts'
import { isPair } from '../instances.ts'
import type { Execution, Instance } from '../model.ts'
import type { Fleet } from '../slots.ts'
import { strategyOf, surges } from '../strategies/index.ts'

const inTheMiddle = 'left in the middle: the execution ended first'

/**
 * What a cancel that waits has left in flight before the time of that was over: an instance in the middle, or a new pod beside an
 * old one. Null where it has not.
 */
export function leftInFlight(now: number, before: Execution, after: Execution, fleet: Fleet): string | null {
  const { ending, stageSince, spec } = before
  const isOver = now >= stageSince + seconds(spec.healthCheckTimeoutSeconds)
  if (after.status !== 'CANCELLED' || ending?.immediate !== false || isOver || isEdited(before, fleet)) return null
  const left = after.instances.filter(({ status, message }) => status === 'FAILED' && message?.startsWith(inTheMiddle))
  if (left.length > 0) return `instance ${left.map(({ index }) => index).join(', ')} is left in the middle`
  if (!surges(after) || strategyOf(after).switches) return null
  const isKept = ({ pod, nextPod }: Instance): boolean =>
    [pod, nextPod].some((one) => one !== null && fleet.refusals[one.uid] !== undefined)
  const pairs = after.instances.filter((one) => isPair(one) && one.status !== 'FAILED' && !isKept(one))
  return pairs.length === 0 ? null : `${pairs.length} new pods are left beside old ones`
}
