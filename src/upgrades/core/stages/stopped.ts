import { stopReasonOf } from '../stopping.ts'
import { stop } from '../turns.ts'
import { go, type Look, type Step } from './look.ts'

/** Goes on, unless the upgrade must stop. */
export function stoppedOr(look: Look, goOn: () => Step): Step {
  const stopped = stopReasonOf(look.execution)
  return stopped === null ? goOn() : go(stop(look.execution, stopped.code, stopped.detail, look.now))
}
