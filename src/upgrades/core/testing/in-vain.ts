import { isOnTarget } from '../instances.ts'
import type { Execution, ExecutionAct, ExecutionObservation } from '../model.ts'
import { statusReasons } from '../reasons.ts'
import type { World } from '../rehearsal/world.ts'

/**
 * What an act takes off for a revision of another hand that has changed nothing, where instances would move by it; null where it
 * takes nothing off.
 */
export function letGoInVain(
  { hand }: World,
  { ending, instances, templates = null }: Execution,
  act: ExecutionAct | null,
  seen: ExecutionObservation | null,
): 'gate' | 'pin' | null {
  if (seen?.kind !== 'seen' || seen.fleet?.kind !== 'present' || ending?.reason !== statusReasons.anotherHand)
    return null
  const { members, template, pin } = seen.fleet
  const inVain = templates !== null && hand === undefined && seen.releases.every(({ stands }) => stands !== undefined)
  // Where each place has come to the target version, what is beside it is on its way out.
  const isThere = instances.length > 0 && instances.every(isOnTarget)
  const isMixed = members.some(({ side, terminating }) => !terminating && side !== template)
  if (!inVain || isThere || !isMixed) return null
  if (act?.kind === 'gate') return act.position.kind === 'none' ? 'gate' : null
  const serves = pin !== null && pin.to !== 'other' && pin.endpoints > 0
  return act?.kind === 'pin' && serves ? 'pin' : null
}
