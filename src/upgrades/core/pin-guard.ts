import type { Execution } from './model.ts'
import { statusReasons, waits } from './reasons.ts'
import { act, go, type Look, type Step } from './stages/look.ts'
import { canServe } from './stages/pinning.ts'
import { stop } from './turns.ts'

/**
 * A pin that matches no ready pod is an outage (SPEC section 5, BLUE_GREEN): traffic goes to the other side if that has
 * passed, else the pin comes off, which is recorded and counts as the threshold reached. Null while the pin serves.
 */
export function rescueTraffic(look: Look): Step | null {
  const { execution, fleet } = look
  if (fleet.pin === null || fleet.pin.endpoints > 0) return null
  const other = fleet.pin.to === 'target' ? 'previous' : 'target'
  const hasPassed = other === 'previous' || everyPassed(execution)
  if (hasPassed && canServe(look, other)) return act(execution, { kind: 'pin', to: other }, waits.pin)
  return act(withoutPin(look), { kind: 'pin', to: null }, waits.pin)
}

function everyPassed({ instances, status }: Execution): boolean {
  return status !== 'ROLLING_BACK' && instances.every((instance) => instance.status === 'COMPLETED')
}

const removed = 'PIN_REMOVED'

function withoutPin({ execution }: Look): Execution {
  if (execution.warnings.some(({ code }) => code === removed)) return execution
  const warning = { code: removed, message: 'neither side could serve: the pin on the Services was taken away' }
  return { ...execution, warnings: [...execution.warnings, warning] }
}

/** Stages in which a pin is expected, so that its removal ends the way forward. */
const pinned = new Set(['moving', 'switching', 'watching', 'opening'])

/** The pin had to be taken away: the threshold counts as reached. */
export function afterPinRemoval(look: Look): Step | null {
  const { execution, now } = look
  const wasRemoved = execution.warnings.some(({ code }) => code === removed)
  if (!wasRemoved || execution.ending !== null || execution.status !== 'IN_PROGRESS') return null
  if (!pinned.has(execution.stage)) return null
  return go(stop(execution, statusReasons.pinRemoved, 'neither side could serve', now))
}
