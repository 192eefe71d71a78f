import type { Instant } from '../../../core/instant.ts'
import { affordable, unreadyFirst } from '../batches.ts'
import { failureOf, releasesWith, touchedReleases } from '../children.ts'
import { inOrder, isBack, isOnTarget, targetPod, unavailable, untouched } from '../instances.ts'
import { controllerWaits, settlesBy } from '../leaving.ts'
import type { Execution, GatePosition, Instance, PodRef } from '../model.ts'
import { followInstances } from '../others.ts'
import { mapChanged } from '../patch.ts'
import { failedOf, whyFailed } from '../planning.ts'
import { isResting, samePosition } from '../position.ts'
import { statusReasons, waits } from '../reasons.ts'
import { whyNoPod } from '../slots.ts'
import { budgetNow } from '../stopping.ts'
import { strategyOf, surges } from '../strategies/index.ts'
import { endAs, failing } from '../turns.ts'
import { mayGoBack, whatHolds, whyRefused, withinBudgets } from './asked-back.ts'
import { isGated } from './closing.ts'
import { act, go, goTo, type Look, type StageHandler, type Step, soon, wait } from './look.ts'

/** Back: whatever is not on the previous version goes back, within the budget; what never left is not touched. */
export const reverting: StageHandler = (look) => {
  const execution = followBack(facts(look), look.now)
  const next = { ...look, execution }
  if (execution.change?.podsChange === false) return goTo(next, execution, 'restoring')
  const away = execution.instances.filter((instance) => !isBack(instance))
  if (away.length === 0 && isWhole(next)) return goTo(next, execution, 'restoring')
  if (look.now >= settlesBy(execution)) return giveUp(next, away)
  return bringBack(next) ?? wait(execution, waits.reverting, pace(next), progress(next))
}

/** Each place that is back beyond all that there were at once is progress, also one that never had a pod. */
export function followBack(execution: Execution, now: Instant): Execution {
  return followInstances(execution, execution.instances.filter(isBack).length, now)
}

/** True when the fleet has as many instances as it wants. */
function isWhole({ execution, fleet }: Look): boolean {
  return execution.instances.length === fleet.wanted
}

/** When the way back is looked at again: slower the longer nothing happens. */
export function pace(look: Look): Instant {
  const { execution, now } = look
  return Math.min(settlesBy(execution), soon(look) + Math.min(4000, Math.floor((now - execution.stageSince) / 8)))
}

function progress(look: Look): string {
  const { instances } = look.execution
  const back = `${instances.filter(isBack).length} of ${instances.length} are back`
  return [back, look.fleet.whyNoPods, whatHolds(look), paced(look.execution)].filter((part) => part !== null).join('; ')
}

/** Why it takes longer than pods take to be ready; null where it does not. */
function paced({ minReadySeconds = 0 }: Execution): string | null {
  const words = `minReadySeconds of the workload is ${minReadySeconds}: each pod has to be ready for so long before the next`
  return minReadySeconds > 0 ? words : null
}

/** What was seen of the way back. Each instance that leaves the target version or is back is progress: the time counts anew. */
function facts({ execution, now }: Look): Execution {
  const seen = wentBack(execution, now)
  return seen === execution ? execution : { ...seen, stageSince: now }
}

/** Which instances have left the target version, and which are back. */
export function wentBack(execution: Execution, now: Instant): Execution {
  const back: string[] = []
  let progress = false
  const instances = mapChanged(execution.instances, (instance) => {
    const next = fact(execution, instance, now)
    if (next.status === 'ROLLED_BACK' && instance.status !== 'ROLLED_BACK') back.push(instance.id)
    if (next !== instance) progress = true
    return next
  })
  if (!progress) return execution
  const { rollbackInfo } = execution
  const rolledBackInstances = [...rollbackInfo.rolledBackInstances, ...back]
  return { ...execution, instances, rollbackInfo: { ...rollbackInfo, rolledBackInstances } }
}

function fact(execution: Execution, instance: Instance, now: Instant): Instance {
  const { status } = instance
  if (status === 'ROLLED_BACK') return instance
  if (status === 'PENDING') return neverMoved(instance, now)
  // Why one failed is told of it also when it is back.
  const message = status === 'FAILED' ? instance.message : null
  if (status === 'FAILED' && hasNeverLeft(execution, instance)) return { ...untouched(instance), message }
  if (isBack(instance)) return { ...instance, status: 'ROLLED_BACK', message, upAt: now, endedAt: now }
  const hasLeft = instance.upAt === null && !isOnTarget(instance)
  return hasLeft ? { ...instance, upAt: now } : instance
}

/** It FAILED before it had another pod than that of before, or any: there is nothing to take back. */
function hasNeverLeft({ capabilities }: Execution, instance: Instance): boolean {
  if (capabilities.hold === 'each' || instance.previousPods.length > 0) return false
  return instance.side !== 'other' && targetPod(instance) === null
}

/**
 * One that this execution has not moved stays as it is, unless it is of neither version: it is replaced with the others, and
 * `upAt` keeps that until it is back.
 */
function neverMoved(instance: Instance, now: Instant): Instance {
  if (targetPod(instance) !== null) return { ...instance, status: 'UPGRADING', upAt: null }
  if (instance.upAt === null) return instance.side === 'other' ? { ...instance, upAt: now } : instance
  return isBack(instance) ? { ...instance, status: 'ROLLED_BACK', upAt: now, endedAt: now } : instance
}

/** The next act on the way back, or null when all that can be done now has been done. */
function bringBack(look: Look): Step | null {
  const { execution, fleet } = look
  if (execution.capabilities.hold === 'each') return undoNext(look)
  if (!isGated(execution)) return null
  const position = revertingPosition(look)
  const take = podsToGo(look)
  // Halted, nobody goes either.
  const isThere = samePosition(position, fleet.gate) || (isResting(position) && fleet.gate.kind === 'halted')
  if (isThere && take.length === 0) return null
  return act(execution, { kind: 'gate', position, take }, waits.reverting)
}

function revertingPosition(look: Look): GatePosition {
  const { execution } = look
  if (execution.spec.strategy === 'RECREATE') {
    return { kind: 'reverting', unavailable: Math.max(1, execution.currentInstances), surge: 0 }
  }
  const unavailable = budgetNow(execution)
  if (!surges(execution) || !strategyOf(execution).budgeted) {
    return withinBudgets(look, { kind: 'reverting', unavailable, surge: 0 })
  }
  const surge = Math.min(execution.spec.batchSize, execution.change?.surgeRoom ?? 0)
  return withinBudgets(look, {
    kind: 'reverting',
    unavailable: isStuck(look) ? unavailable : unreadyNow(execution),
    surge,
  })
}

/** With room nobody ready goes before one more is ready; replacing those that are not costs nothing. */
function unreadyNow(execution: Execution): number {
  return Math.min(budgetNow(execution), execution.instances.filter(({ ready }) => !ready).length)
}

/**
 * Nothing has come back for half of the time, that of the controller aside: the room that there was is taken, and the budget
 * applies.
 */
function isStuck({ execution, now }: Look): boolean {
  return now >= (execution.stageSince + controllerWaits(execution) + settlesBy(execution)) / 2
}

/** Those that may go back now: within the budget, first those that are not ready anyway, then in the order of the fleet. */
function nextBack(execution: Execution, away: readonly Instance[], going: number): readonly Instance[] {
  if (execution.spec.strategy === 'RECREATE') return away
  const leaves = budgetNow(execution) - unavailable(execution.instances) - going
  return affordable(unreadyFirst(inOrder(execution, away)), { leaves, size: away.length, ordered: false })
}

/** Where the fleet names its places, nobody but us takes the pods of the abandoned version away. */
function podsToGo(look: Look): readonly PodRef[] {
  const { execution, members } = look
  const mayGo = mayGoBack(look)
  const isAway = ({ key, pod, side }: Instance): boolean =>
    key !== null && pod !== null && side !== 'previous' && mayGo(pod)
  const away = execution.instances.filter(isAway)
  return nextBack(execution, away, 0).flatMap(({ pod }) => (pod !== null && members.has(pod.uid) ? pod : []))
}

/**
 * Every instance is a release: the next ones go back by an operation each. One whose rollback was just refused comes after the
 * others: it would keep them for ever where it is refused each time.
 */
function undoNext({ execution, releases, attempt }: Look): Step | null {
  const absent = new Set(releasesWith(execution, releases, 'undo', 'absent'))
  const touched = new Set(touchedReleases(execution, releases))
  // One that another execution has left on the target version goes back too.
  const isAway = (one: Instance): boolean => touched.has(one.key ?? '') || isOnTarget(one)
  const away = execution.instances.filter((one) => absent.has(one.key ?? '') && isAway(one))
  const given = new Set(releasesWith(execution, releases, 'undo', 'running', 'held', 'succeeded'))
  const going = execution.instances.filter((one) => one.ready && !isBack(one) && given.has(one.key ?? '')).length
  const refusalOf = undoRefused(attempt)
  const others = nextBack(
    execution,
    away.filter((one) => refusalOf(one) === null),
    going,
  )
  const releaseIds = (others.length > 0 ? others : nextBack(execution, away, going)).flatMap(({ key }) => key ?? [])
  return releaseIds.length === 0 ? null : act(execution, { kind: 'undo', releaseIds }, waits.reverting)
}

/** Tells of a release why its rollback was refused in the newest attempt; null where it was not. */
function undoRefused(attempt: Look['attempt']): (instance: Instance) => string | null {
  const failed = failedOf(attempt)
  if (failed?.act.kind !== 'undo') return () => null
  const asked = new Set(failed.act.releaseIds)
  return ({ key }) => (asked.has(key ?? '') ? whyFailed(failed) : null)
}

function notBack(look: Look, away: readonly Instance[]): string {
  const what = away.length === 0 ? 'the fleet is not whole' : `${away.length} instances are not back`
  return [what, whatHolds(look), paced(look.execution)].filter((part) => part !== null).join('; ')
}

/** What is told of them is why they failed on the way forward; of any other it is what it was waited for then. */
const keepsWhy: ReadonlySet<Instance['status']> = new Set(['FAILED', 'PENDING'])

/** One that failed on the way forward keeps that reason before the other, also where it is PENDING again since. */
function alsoWhyItFailed({ status, message }: Instance, why: string): string {
  return !keepsWhy.has(status) || message === null || message === why ? why : `${message}; ${why}`
}

/** Not within the time: FAILED, with those named that did not come back. */
export function giveUp(look: Look, away: readonly Instance[]): Step {
  const { execution, releases, now, members, fleet, attempt } = look
  const whyNotUndone = undoRefused(attempt)
  const ids = new Set(away.map(({ id }) => id))
  const failure = failureOf(execution, releases, 'undo')
  const instances = mapChanged(execution.instances, (one): Instance => {
    if (!ids.has(one.id)) return one
    const problem = one.pod === null ? whyNoPod(fleet, one) : (members.get(one.pod.uid)?.problem ?? null)
    const refusal = one.pod === null ? null : whyRefused(look, one.nextPod ?? one.pod)
    const why = failure?.detail ?? whyNotUndone(one) ?? refusal ?? problem ?? 'not back on the previous version in time'
    return { ...one, status: 'FAILED', message: alsoWhyItFailed(one, why), endedAt: now }
  })
  return go(endAs({ ...execution, instances }, failing(statusReasons.notBack, notBack(look, away), 'not_ready'), now))
}
