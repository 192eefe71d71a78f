import { seconds } from '../../../core/instant.ts'
import type { Phase } from '../model.ts'
import { fail } from './failing.ts'
import { failureIn, goOn, type PhaseHandler } from './look.ts'
import { changedMeanwhile, succeed } from './waiting.ts'
import { anotherHand } from './yielding.ts'

type Held = Extract<Phase, { name: 'held' }>

/** The verdict and another hand wake the release; it is looked at besides, so that nothing that was missed stays missed. */
const lookMs = seconds(30)

/**
 * Waits for the execution that gave the operation: it alone knows when the instances are well. There is no deadline;
 * another hand ends it as it ends any wait.
 */
export const held: PhaseHandler<Held> = (look) => {
  const { seen, operation, now } = look
  const changed = changedMeanwhile(look)
  if (changed !== null || seen.kind === 'absent') return anotherHand(look, changed ?? '')
  const { verdict } = operation
  if (verdict?.kind === 'ready') return succeed(look, seen.newest)
  if (verdict?.kind === 'failed') return fail(look, failureIn(verdict))
  return goOn(look, { operation, waitingFor: { reason: 'UPGRADE_EXECUTION', until: now + lookMs } })
}
