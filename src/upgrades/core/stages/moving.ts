import { type Instant, seconds } from '../../../core/instant.ts'
import { releasesWith } from '../children.ts'
import { choose, clusterIsBusy, isSettled, letGo, recall, retire, turnsOf, withoutUnmoved } from '../choosing.ts'
import { hasLeavingPod, isInFlight, withStatus } from '../instances.ts'
import { limitOf } from '../leaving.ts'
import type { Execution, GatePosition, Instance, PodRef } from '../model.ts'
import { patch } from '../patch.ts'
import { type Admitting, isResting, letsBe, positionOf, samePosition, toTake } from '../position.ts'
import { nextCheckOf, nextGlance, podsAboutToGo } from '../probes.ts'
import { statusReasons, waits } from '../reasons.ts'
import { failuresIn, hasFailedCanary, stopReasonOf } from '../stopping.ts'
import { strategyOf } from '../strategies/index.ts'
import { flotilla, moveTo } from '../transitions.ts'
import { endAs, failing, stop } from '../turns.ts'
import { isGated } from './closing.ts'
import { act, atInterval, go, goTo, type Look, type StageHandler, type Step, soon, wait } from './look.ts'
import { fed, starved } from './starved.ts'

/** Instances move, batch by batch: what was chosen is let go, the next are chosen, and the gate is set for them. */
export const moving: StageHandler = (look) => {
  const stopped = stopReasonOf(look.execution)
  if (hasFailedCanary(look.execution))
    return canaryFailed(look, stopped?.detail ?? 'its upgrade was taken away, or it had no instance for too long')
  if (stopped !== null) return go(stop(look.execution, stopped.code, stopped.detail, look.now))
  const gone = letGo(retire(inReach(look.execution), look.before, look.fleet), look.before, look.fleet, look.now)
  const more = gone.batchLeft > 0 && !clusterIsBusy(gone) ? choose(gone, look.now) : gone
  if (isSettled(more)) {
    return batchOver({ ...look, execution: withoutUnmoved(patch(more, { batchLeft: 0 }), look.now) })
  }
  return bringAbout({ ...look, execution: fed(more) })
}

/** Where the order is fixed: one that was let go, and above which an old pod has come, has its turn after that. */
function inReach(execution: Execution): Execution {
  return execution.capabilities.ordered ? recall(execution, positionOf(execution)) : execution
}

/** Without auto-rollback a failed canary stays as it is; rollback and cancel remain (SPEC section 5, "Safety"). */
function canaryFailed(look: Look, detail: string): Step {
  const stopped = stop(look.execution, statusReasons.canary, detail, look.now)
  if (look.execution.spec.autoRollbackEnabled) return go(stopped)
  const gate = settleGate({ ...look, execution: stopped }, waits.canaryFailed)
  return gate ?? wait(stopped, waits.canaryFailed, atInterval(look, stopped), detail)
}

/** Nothing is in flight: the end of the way, the canary to be watched, the delay, the approval, or the next batch. */
function batchOver(look: Look): Step {
  const { execution, now } = look
  if (turnsOf(execution).length === 0) return allMoved(look)
  if (execution.currentBatch > 0 && execution.nextBatchAt === null && !strategyOf(execution).allAtOnce) {
    return betweenBatches(look)
  }
  if (execution.nextBatchAt !== null && now < execution.nextBatchAt)
    return settled(look, waits.delay, execution.nextBatchAt)
  const chosen = choose(execution, now)
  return chosen === execution
    ? (settleGate(look) ?? starved(look, nextRound(look)))
    : bringAbout({ ...look, execution: fed(chosen) })
}

function allMoved(look: Look): Step {
  const { execution, now } = look
  const mover = { at: now, by: flotilla, reason: null }
  if (execution.status === 'CANARY_RUNNING') return go(moveTo(execution, 'CANARY_MONITORING', mover))
  if (execution.status === 'CANARY_MONITORING') return settled(look, waits.promotion, nextRound(look))
  if (withStatus(execution.instances, 'FAILED').length > 0)
    return go(endAs(execution, failing(statusReasons.failures, failuresIn(execution)), now))
  return goTo(look, execution, strategyOf(execution).switches ? 'switching' : 'opening')
}

function betweenBatches(look: Look): Step {
  const { execution, now } = look
  const mover = { at: now, by: flotilla, reason: statusReasons.approval }
  if (strategyOf(execution).approves) {
    const paused = moveTo(execution, 'PAUSED', mover)
    return go({ ...paused, pausedFrom: 'IN_PROGRESS', statusReason: statusReasons.approval })
  }
  return batchOver({
    ...look,
    execution: { ...execution, nextBatchAt: now + seconds(execution.spec.batchDelaySeconds) },
  })
}

/** Nothing is started now, but the gate may still be higher or lower than what moved. */
function settled(look: Look, reason: string, until: Instant): Step {
  return settleGate(look) ?? wait(look.execution, reason, Math.min(until, nextRound(look)))
}

/** The next moment at which all that have passed are checked, or the fleet is counted again. */
export function nextRound(look: Look): Instant {
  const { execution, now } = look
  const due = execution.instances.reduce(
    (first, instance) => (instance.status === 'COMPLETED' ? Math.min(first, nextCheckOf(execution, instance)) : first),
    atInterval(look, execution),
  )
  return due > now ? due : soon(look)
}

/** Brings the cluster to what was decided: the gate for the instances that were let go, or their upgrades. */
function bringAbout(look: Look): Step {
  const { execution } = look
  if (execution.capabilities.hold === 'each') return deployEach(look)
  if (!isGated(execution)) return whileInFlight(look)
  const position = positionOf(execution)
  return setGate(look, position, toTake(execution, look.members)) ?? whileInFlight(look)
}

/** The act that sets the gate, or null when all is as it should be. A gate that lets nobody move stays shut. */
export function setGate(
  look: Look,
  wanted: Admitting,
  take: readonly PodRef[],
  reason: string = waits.instances,
): Step | null {
  const { execution, fleet } = look
  const position = restingWith(wanted, fleet.gate)
  if (letsBe(position) === 0 && letsBe(fleet.gate) === 0) return null
  if (samePosition(position, fleet.gate) && take.length === 0) return null
  const admitted = letsBe(position)
  return act({ ...execution, admitted }, { kind: 'gate', position, take }, reason)
}

/**
 * Whatever is beside an old pod in a gate that comes to rest came by the gate that there was. With more room a paused fleet
 * would add a pod.
 */
function restingWith(wanted: Admitting, gate: GatePosition): Admitting {
  if (!isResting(wanted) || gate.kind !== 'admitting' || letsBe(gate) === 0) return wanted
  return { ...wanted, surge: Math.min(wanted.surge, gate.surge) }
}

/** The gate for what has moved already: old pods of passed ones go. Null when nothing is to be done. `reason`: what is waited for. */
export function settleGate(look: Look, reason?: string): Step | null {
  const { execution, fleet, members } = look
  if (!isGated(execution) || fleet.gate.kind !== 'admitting') return null
  return setGate(look, positionOf(execution), toTake(execution, members), reason)
}

function deployEach(look: Look): Step {
  const { execution, releases } = look
  const absent = new Set(releasesWith(execution, releases, 'deploy', 'absent'))
  const releaseIds = withStatus(execution.instances, 'UPGRADING').flatMap(({ key }) =>
    key !== null && absent.has(key) ? key : [],
  )
  if (releaseIds.length === 0) return whileInFlight(look)
  return act({ ...execution, deployed: true }, { kind: 'deploy', releaseIds }, waits.instances)
}

/** What is in flight is looked at often while pods come and go, else when its next check is due or its time is over. */
export function whileInFlight(look: Look): Step {
  const { execution, now } = look
  const awaited = execution.instances.filter(
    (one) => isInFlight(one) || (one.status === 'COMPLETED' && hasLeavingPod(one)),
  )
  const reason = awaited.length > 0 && awaited.every(isDraining) ? waits.draining : waits.instances
  const detail = awaited.find(({ message }) => message !== null)?.message ?? ''
  return wait(execution, reason, asksNow(look) ? now : Math.max(now + 100, nextMoment(look)), detail)
}

/** Nothing but its old pod is waited for: it is asked whether it may go, or is on its way out. */
const isDraining = (instance: Instance): boolean =>
  instance.status === 'DRAINING' || instance.status === 'COMPLETED' || instance.leaving?.holds === true

/** True when somebody has just come to be asked whether it may go: that takes one more look, at once. */
function asksNow({ execution, before }: Look): boolean {
  if (!strategyOf(execution).asksBefore) return false
  const asked = new Set(podsAboutToGo(before).map(({ uid }) => uid))
  return podsAboutToGo(execution).some(({ uid }) => !asked.has(uid))
}

/**
 * When one in flight is looked at again: for its first check at once, and after a pause where one could not be made. A limit
 * that is over says nothing more.
 */
function momentOf(look: Look, instance: Instance, glance: Instant): Instant {
  const { execution, now } = look
  const due = instance.status === 'HEALTH_CHECKING' ? nextCheckOf(execution, instance) : glance
  const limit = limitOf(execution, instance, now)
  const asked = instance.upAt === now ? now : soon(look)
  return Math.min(due > now ? due : asked, limit > now ? limit : Number.POSITIVE_INFINITY)
}

function nextMoment(look: Look): Instant {
  const { execution, now } = look
  let next = nextRound(look)
  const glance = nextGlance(execution, now)
  for (const instance of execution.instances) {
    if (!isInFlight(instance)) continue
    next = Math.min(next, momentOf(look, instance, glance))
  }
  const retiring = execution.instances.some(
    (one) => one.status === 'COMPLETED' && (one.nextPod !== null || hasLeavingPod(one)),
  )
  return retiring && !strategyOf(execution).switches ? Math.min(next, soon(look)) : next
}
