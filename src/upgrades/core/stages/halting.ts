import { waits } from '../reasons.ts'
import { isGated } from './closing.ts'
import { act, goTo, type StageHandler } from './look.ts'

/** Back: nothing moves, and our fields are withdrawn, so that helm can go back. */
export const halting: StageHandler = (look) => {
  const { execution, fleet } = look
  if (!isGated(execution) || fleet.gate.kind === 'halted') return goTo(look, execution, 'undoing')
  return act(execution, { kind: 'gate', position: { kind: 'halted' }, take: [] }, waits.gate)
}
