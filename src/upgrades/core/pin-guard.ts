import type { Execution, Stage } from './model.ts'
import { statusReasons, waits } from './reasons.ts'
import { act, go, type Look, type Step } from './stages/look.ts'
import { canServe } from './stages/pinning.ts'
import { strategyOf } from './strategies/index.ts'
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
  if (isRemoved(execution)) return execution
  const warning = { code: removed, message: 'neither side could serve: the pin on the Services was taken away' }
  return { ...execution, warnings: [...execution.warnings, warning] }
}

/** Which side has the traffic while both sets are there. */
const serving: Readonly<Partial<Record<Stage, 'previous' | 'target'>>> = { moving: 'previous', watching: 'target' }

/** Another hand has taken the pin away: it is put back, once, where the side that has the traffic can serve. */
export function pinAgain(look: Look): Step | null {
  const { execution, fleet } = look
  const side = serving[execution.stage]
  if (side === undefined || fleet.pin !== null || execution.ending !== null || !execution.capabilities.pin) return null
  if (!strategyOf(execution).switches || isRemoved(execution) || wasTried(look) || !canServe(look, side)) return null
  if (side === 'target' && !everyPassed(execution)) return null
  return act(execution, { kind: 'pin', to: side }, waits.pin)
}

/** Pinning in this stage has not helped: the Services may be gone. */
function wasTried({ execution, attempt }: Look): boolean {
  return attempt?.act.kind === 'pin' && attempt.startedAt > execution.stageSince
}

const isRemoved = ({ warnings }: Execution): boolean => warnings.some(({ code }) => code === removed)

/** Stages in which a pin is expected, so that its removal ends the way forward. */
const pinned = new Set(['moving', 'switching', 'watching', 'opening'])

/** The pin had to be taken away: the threshold counts as reached. */
export function afterPinRemoval(look: Look): Step | null {
  const { execution, now } = look
  if (!isRemoved(execution) || execution.ending !== null || execution.status !== 'IN_PROGRESS') return null
  if (!pinned.has(execution.stage)) return null
  return go(stop(execution, statusReasons.pinRemoved, 'neither side could serve', now))
}
