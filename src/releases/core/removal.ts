import { type Instant, seconds } from '../../core/instant.ts'
import type { ReleaseState } from './model.ts'
import { openOperation } from './situation.ts'

/** How long objects that another hand's uninstall deletes are waited for, before they are told as left over. */
export const removalMs = seconds(30)

/** When what is still going ends the wait for it, whoever removes it; null while nothing bounds it. */
export function removalEnd(state: ReleaseState): Instant | null {
  const operation = openOperation(state)
  if (operation?.phase.name === 'yielding') return operation.phase.until + removalMs
  if (operation !== null) return operation.deadline
  const { waitingFor } = state.release
  return waitingFor?.reason === 'UNINSTALLING' ? waitingFor.until : null
}
