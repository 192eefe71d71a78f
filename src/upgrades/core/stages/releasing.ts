import { releasesWith } from '../children.ts'
import { isEdited } from '../edited.ts'
import { versionsIn } from '../frozen.ts'
import { isBack, isInFlight, isOnTarget, isPair, oldPod, withStatus } from '../instances.ts'
import { asLeft } from '../left.ts'
import type { Ending, Execution, Instance, Verdict } from '../model.ts'
import { mapChanged } from '../patch.ts'
import { statusReasons, waits } from '../reasons.ts'
import { timeLimit } from '../stopping.ts'
import { finish, type Mover } from '../transitions.ts'
import { warned } from '../warned.ts'
import { isWithoutEffect, leftFrozen } from '../without-effect.ts'
import { isGated } from './closing.ts'
import { succeed } from './concluding.ts'
import { helmAtWork } from './helm-at-work.ts'
import { act, type Look, type StageHandler, type Step, soon, wait } from './look.ts'
import { settleGate } from './moving.ts'
import { isBehind, lateMs, mayArrive, settling } from './paused.ts'
import { becomeReady, haltBack, isMerging, settleBack, waitForFlight } from './settling-back.ts'

/** The end is decided: what is in flight settles, Helm's revisions get their verdict, the fleet is freed or frozen. */
export const releasing: StageHandler = (look) => {
  const { ending } = look.execution
  if (ending === null) throw new Error('an execution that is releasing has an ending')
  if (ending.to === 'ROLLED_BACK' || ending.to === 'COMPLETED') return succeed(look, 'undo') ?? end(look, ending)
  if (isForeign(ending) && !isWithoutEffect(look))
    return free(look, ending) ?? concludeAll(look, ending) ?? end(look, ending)
  // Opened before that order is seen and concluded, the gate would let helm move every pod at once.
  if (isBehind(look)) return wait(look.execution, waitOf(ending), soon(look))
  if (!look.execution.deployed) return leaveUntouched(look) ?? end(look, ending)
  const on = takenBack(look, ending)
  return settle(on, ending) ?? concludeAll(on, ending) ?? leave(on, ending) ?? end(on, ending)
}

/** What the gate never opened for waits for its turn again, for good: a gate that is frozen later does not tell any more. */
function takenBack(look: Look, ending: Ending): Look {
  const { execution, fleet } = look
  const isLeft = ending.immediate || execution.status === 'ROLLING_BACK' || fleet.gate.kind === 'frozen'
  // What comes of another hand's template is nothing that is ours.
  return isLeft || isEdited(execution, fleet) ? look : { ...look, execution: settling(look) }
}

/**
 * Another hand, or a target that is gone: gate and pin come off at once (SPEC section 5, "Safety"), unless nothing of that hand's
 * revision can take effect.
 */
export function isForeign({ reason }: Ending): boolean {
  return reason === statusReasons.anotherHand || reason === statusReasons.gone
}

const waitOf = ({ to }: Ending): string => (to === 'CANCELLED' ? waits.cancelling : waits.freezing)

/** Until what is in flight has settled, unless it is not to be waited for, or was waited for already. */
function settle(look: Look, ending: Ending): Step | null {
  const reason = waitOf(ending)
  if (ending.immediate || ending.reason === statusReasons.notBack) return null
  if (look.execution.status !== 'ROLLING_BACK') return stillInFlight(look, reason)
  // What settles, and how, depends on whether helm goes back: that is seen when it is through.
  const settleAll = ending.to === 'CANCELLED' ? settleBack : becomeReady
  return haltBack(look, reason) ?? concludeAll(look, ending) ?? settleAll(look, reason)
}

function stillInFlight(look: Look, reason: string): Step | null {
  if (isEdited(look.execution, look.fleet)) return null
  const gate = mayArrive(look) ? null : settleGate(look, reason)
  if (gate !== null) return gate
  const flying = look.execution.instances.filter((one) => isInFlight(one) || isToRetire(look, one))
  return flying.length === 0 ? null : waitForFlight(look, flying, reason)
}

/** Its new pod has passed, and the old one beside it goes next: no disruption budget keeps it, and its time is not over. */
function isToRetire({ execution, fleet, now }: Look, one: Instance): boolean {
  if (!isMerging(execution) || fleet.gate.kind !== 'admitting' || one.status !== 'COMPLETED' || !isPair(one))
    return false
  const isKept = fleet.refusals[oldPod(one)?.uid ?? ''] !== undefined
  return !isKept && now < timeLimit(execution, one.endedAt ?? 0)
}

function setGate({ execution }: Look, ending: Ending, kind: 'none' | 'frozen'): Step {
  return act(execution, { kind: 'gate', position: { kind }, take: [] }, waitOf(ending))
}

/** Helm never ran: what was shut is opened, or as frozen as it was found. No pin was set yet. */
export function leaveUntouched({ execution, fleet }: Look): Step | null {
  const kind = execution.takesOver ? 'frozen' : 'none'
  if (fleet.gate.kind === 'none' || fleet.gate.kind === kind) return null
  return act(execution, { kind: 'gate', position: { kind }, take: [] }, waits.gate)
}

/** The operations that waited for a verdict get it; where each instance is a release, those that passed succeed. */
function concludeAll(look: Look, ending: Ending): Step | null {
  const { execution, releases } = look
  const passed = passedReleases(execution)
  const open = releasesWith(execution, releases, 'deploy', 'held', 'running')
  const good = open.filter((id) => passed.has(id))
  const bad = open.filter((id) => !passed.has(id))
  if (good.length > 0) return conclude(look, ending, 'deploy', good, { kind: 'ready' })
  const failed: Verdict = {
    kind: 'failed',
    code: ending.code ?? 'not_ready',
    detail: `the execution ended ${ending.to}: ${ending.reason}`,
  }
  if (bad.length > 0) return conclude(look, ending, 'deploy', bad, failed)
  const undo = releasesWith(execution, releases, 'undo', 'held', 'running')
  return undo.length > 0 ? conclude(look, ending, 'undo', undo, failed) : null
}

function passedReleases({ capabilities, instances, status }: Execution): ReadonlySet<string> {
  if (capabilities.hold !== 'each' || status === 'ROLLING_BACK') return new Set()
  return new Set(withStatus(instances, 'COMPLETED').flatMap(({ key }) => key ?? []))
}

function conclude(
  look: Look,
  ending: Ending,
  which: 'deploy' | 'undo',
  releaseIds: readonly string[],
  verdict: Verdict,
): Step {
  return act(look.execution, { kind: 'conclude', which, releaseIds, verdict }, waitOf(ending), helmAtWork(look, which))
}

/** Gate and pin come off. */
function free(look: Look, ending: Ending): Step | null {
  const { execution, fleet } = look
  if (fleet.gate.kind !== 'none') return setGate(look, ending, 'none')
  return fleet.pin === null ? null : act(execution, { kind: 'pin', to: null }, waitOf(ending))
}

/** A fleet that freeing would move stays as it is, frozen; its pin stays too, as long as that serves. */
function leave(look: Look, ending: Ending): Step | null {
  const { execution, fleet, attempt, now } = look
  if (!isGated(execution) || staysAsItIs(look, ending)) return free(look, ending)
  if (nothingMoved(look)) {
    // A helm that a lost worker began may still apply: opened before that is seen, every pod would move at once.
    return mayArrive(look) ? wait(execution, waitOf(ending), (attempt?.endedAt ?? now) + lateMs) : free(look, ending)
  }
  if (mayNotShow(look) && now < execution.stageSince + lateMs) return wait(execution, waitOf(ending), soon(look))
  if (fleet.gate.kind !== 'frozen') return setGate(look, ending, 'frozen')
  const outage = fleet.pin !== null && fleet.pin.endpoints === 0 && fleet.wanted > 0
  return outage ? act(execution, { kind: 'pin', to: null }, waitOf(ending)) : null
}

/**
 * True when every instance runs what helm applied last: the target version, or on the way back the previous one. Where there
 * is none, what comes would be of a version that nobody has verified, unless the gate was opened because all had passed.
 */
function staysAsItIs({ execution, fleet }: Look, { reason }: Ending): boolean {
  const { status, instances } = execution
  if (status === 'ROLLING_BACK' && fleet.template === 'target') {
    return fleet.others.uniform && instances.length > 0 && instances.every(isOnTarget)
  }
  if (status !== 'ROLLING_BACK') {
    return instances.length === 0 ? fleet.gate.kind === 'none' : instances.every(isOnTarget)
  }
  return (
    reason === statusReasons.notBack && instances.every(({ side, nextPod }) => side === 'previous' && nextPod === null)
  )
}

/** True when helm failed before it changed a pod: pods and template are of the previous version, here and beside it. */
function nothingMoved(look: Look): boolean {
  return look.fleet.template === 'previous' && look.fleet.others.uniform && isAllPrevious(look)
}

/** True where nothing has moved as far as can be seen, and a controller that is slow may not have told all yet. */
function mayNotShow(look: Look): boolean {
  const { template, others } = look.fleet
  return (template === null || (template === 'previous' && !others.uniform)) && isAllPrevious(look)
}

const isAllPrevious = ({ members }: Look): boolean => [...members.values()].every(({ side }) => side === 'previous')

/** The terminal status, once no write of a lost worker can be on its way any more. */
function end(look: Look, ending: Ending): Step {
  const { execution, attempt, fleet, now } = look
  const quiet = (attempt?.endedAt ?? 0) + lateMs
  if (attempt?.result === 'interrupted' && now < quiet) return wait(execution, waitOf(ending), quiet)
  // Whoever makes it anew takes it away first: what comes at once may carry our gate.
  const comesAnew = execution.stageSince + lateMs
  if (ending.reason === statusReasons.gone && isAway(look) && now < comesAnew) {
    return wait(execution, waitOf(ending), comesAnew)
  }
  const reason = ending.note ?? ending.reason
  const mover: Mover = { at: now, by: ending.by, reason: reason === null ? null : reason + sinceThen(look, ending) }
  const frozen = fleet.gate.kind === 'frozen'
  const frozenVersions = frozen ? versionsIn(execution, fleet) : null
  const instances = mapChanged(execution.instances, (one) => asLeft(one, ending, now))
  const told = frozen && ending.reason === statusReasons.anotherHand ? warned(execution, leftFrozen) : execution
  const left = { ...told, instances, frozen, frozenVersions }
  return { kind: 'end', execution: finish(left, ending.to, ending.reason, mover) }
}

const isAway = ({ fleet, members }: Look): boolean => fleet.wanted === 0 && members.size === 0

/** What has become of it since the end was decided, where that is not what is seen any more. */
function sinceThen({ execution: { instances }, fleet }: Look, { reason }: Ending): string {
  const areBack = instances.length === fleet.wanted && instances.every(isBack)
  return reason === statusReasons.notBack && areBack ? '; by the end all are, too late' : ''
}
