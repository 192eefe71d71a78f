import { seconds } from '../../core/instant.ts'
import { isEmptied } from './empty.ts'
import type { Execution, Side, Stage } from './model.ts'
import { hasJustFailed } from './planning.ts'
import { statusReasons, waits } from './reasons.ts'
import { act, go, type Look, type Step, soon } from './stages/look.ts'
import { canServe, hasTriedToPin } from './stages/pinning.ts'
import { strategyOf } from './strategies/index.ts'
import { stop } from './turns.ts'

type PinSide = 'previous' | 'target'
type PinWarning = 'PIN_RESTORED' | 'PIN_MOVED' | 'PIN_REMOVED'

const messages: Readonly<Record<PinWarning, string>> = {
  PIN_RESTORED: 'the pin on the Services was not there, or matched no side: it was set',
  PIN_MOVED: 'the pin on the Services matched no ready pod: traffic was moved to the other side',
  PIN_REMOVED: 'neither side could serve: the pin on the Services was taken away',
}

/** What the pin needs before anything else is decided: one that is missing is put back, one that serves nobody put right. */
export function guardTraffic(look: Look): Step | null {
  return look.fleet.pin === null ? putBack(look) : putRight(look, look.fleet.pin.to)
}

/**
 * A pin that matches no ready pod, or is of neither side, is an outage (SPEC section 5, BLUE_GREEN): traffic goes to the
 * side where it belongs, or to the other, if that has passed and is ready; else the pin comes off, which counts as the
 * threshold reached. At once, however lately it was pinned, and recorded. Null while the pin serves, or nobody is wanted.
 */
function putRight(look: Look, to: Side): Step | null {
  const { execution } = look
  if (beingReplaced.has(execution.stage) || serves(look) || isEmptied(look)) return null
  const side = wayOut(look, to === 'other' ? bothSides(execution) : [to === 'target' ? 'previous' : 'target'])
  if (side === null) return atOnce(warned(execution, 'PIN_REMOVED'), null)
  if (to !== 'other') return atOnce(warned(execution, 'PIN_MOVED'), side)
  return atOnce(isHalfDone(look) ? execution : warned(execution, 'PIN_RESTORED'), side)
}

/** Stages in which a pin that an execution before has left gives way to helm's own selectors, one after another. */
const beingReplaced: ReadonlySet<Stage> = new Set(['deploying', 'pinning'])

/** How long the endpoints may take to follow a pin that was set. */
const endpointsFollowMs = seconds(5)

/** A pin that was just set to a side that is ready serves as soon as the endpoints have followed. */
function serves(look: Look): boolean {
  const { fleet, attempt, now } = look
  if (fleet.pin === null || fleet.pin.to === 'other') return false
  if (fleet.pin.endpoints > 0) return true
  const isSet = attempt?.act.kind === 'pin' && attempt.act.to === fleet.pin.to && attempt.result === 'done'
  return isSet && now < (attempt.endedAt ?? now) + endpointsFollowMs && canServe(look, fleet.pin.to)
}

/** Stages in which traffic belongs to the new set, once all of that has passed. */
const switched: ReadonlySet<Stage> = new Set(['switching', 'watching', 'opening', 'verifying', 'releasing'])

/** First the side where traffic belongs. */
function bothSides({ stage, status }: Execution): readonly PinSide[] {
  return switched.has(stage) && status !== 'ROLLING_BACK' ? ['target', 'previous'] : ['previous', 'target']
}

function wayOut(look: Look, sides: readonly PinSide[]): PinSide | null {
  const hasPassed = (side: PinSide): boolean => side === 'previous' || everyPassed(look.execution)
  return sides.find((side) => hasPassed(side) && canServe(look, side)) ?? null
}

/** True when the new set may have the traffic: all of it has passed, and it is not being given up. */
export function everyPassed({ instances, status }: Execution): boolean {
  return status !== 'ROLLING_BACK' && instances.every((instance) => instance.status === 'COMPLETED')
}

/** Of several Services our own act may have reached some only. */
function isHalfDone({ attempt }: Look): boolean {
  return attempt?.act.kind === 'pin' && attempt.result !== 'done'
}

function atOnce(execution: Execution, to: PinSide | null): Step {
  return { kind: 'act', execution, act: { kind: 'pin', to }, reason: waits.pin, urgent: true }
}

function warned(execution: Execution, code: PinWarning): Execution {
  if (execution.warnings.some((warning) => warning.code === code)) return execution
  return { ...execution, warnings: [...execution.warnings, { code, message: messages[code] }] }
}

/** Which side has the traffic while both sets are there. */
const serving: Readonly<Partial<Record<Stage, 'previous' | 'target'>>> = { moving: 'previous', watching: 'target' }

/** Another hand has taken the pin away: it is put back, once, and told, where the side that has the traffic can serve. */
function putBack(look: Look): Step | null {
  const { execution, attempt, now } = look
  const side = serving[execution.stage]
  if (side === undefined || execution.ending !== null || !execution.capabilities.pin) return null
  // Where the cluster refuses the stage's own act too, the two would take turns without a pause, and neither be given up.
  if (hasJustFailed(attempt, now)) return null
  if (!strategyOf(execution).switches || isRemoved(execution) || hasTriedToPin(look) || !canServe(look, side))
    return null
  if (side === 'target' && !everyPassed(execution)) return null
  return act(warned(execution, 'PIN_RESTORED'), { kind: 'pin', to: side }, waits.pin)
}

const isRemoved = ({ warnings }: Execution): boolean => warnings.some(({ code }) => code === 'PIN_REMOVED')

/** Stages in which a pin is expected, so that its removal ends the way forward. */
const pinned: ReadonlySet<Stage> = new Set(['moving', 'switching', 'watching', 'opening'])

/** The pin had to be taken away: the threshold counts as reached. */
export function afterPinRemoval(look: Look): Step | null {
  const { execution, now } = look
  if (!isRemoved(execution) || execution.ending !== null || execution.status !== 'IN_PROGRESS') return null
  if (!pinned.has(execution.stage)) return null
  return go(stop(execution, statusReasons.pinRemoved, 'neither side could serve', now))
}

/** While something is pinned the fleet is looked at every second, whatever is waited for. */
export function watchingThePin(step: Step, look: Look): Step {
  return step.kind === 'wait' && look.fleet.pin !== null ? { ...step, lookBy: soon(look) } : step
}
