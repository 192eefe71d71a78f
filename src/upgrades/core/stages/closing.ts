import type { Execution } from '../model.ts'
import { waits } from '../reasons.ts'
import { act, goTo, type StageHandler } from './look.ts'

/** Shuts the gate before helm applies anything. */
export const closing: StageHandler = (look) => {
  const { execution, fleet } = look
  if (!isGated(execution) || fleet.gate.kind === 'closed') return goTo(look, execution, 'deploying')
  return act(execution, { kind: 'gate', position: { kind: 'closed' }, take: [] }, waits.gate)
}

/** True when a gate holds the instances: the fleet has one, and there is something to hold. */
export function isGated({ capabilities, change }: Execution): boolean {
  return capabilities.hold === 'gate' && change?.podsChange === true
}
