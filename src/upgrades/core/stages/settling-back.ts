/*
 * A way back that is to end before it is through: nothing more goes back, and what is in flight settles, each within its time.
 *
 *   forward, when it turned round   its new pod passes, or FAILED. Where helm has not gone back its old pod then goes, as on the
 *                                   way forward.
 *   back                            what comes of the previous version becomes ready.
 *
 * Where helm has gone back a new pod beside a ready old one is what was to go: the same gate that lets so many move forward lets
 * just those go, since it counts the pods of whatever the template is.
 */
import type { Instant } from '../../../core/instant.ts'
import { hasLeavingPod, isAdmitted, isForward, isOnTarget, isPair, oldPod } from '../instances.ts'
import { limitOf, settlesBy } from '../leaving.ts'
import type { Execution, Instance, PodRef } from '../model.ts'
import { mapChanged, patch } from '../patch.ts'
import { isResting, positionOf, toTake } from '../position.ts'
import { podsAboutToGo } from '../probes.ts'
import { strategyOf, surges } from '../strategies/index.ts'
import { isGated } from './closing.ts'
import { act, type Look, type Step, waitUntil } from './look.ts'
import { setGate, whileInFlight } from './moving.ts'
import { lateMs, mayArrive, settling } from './paused.ts'
import { pace } from './reverting.ts'

/** Nothing more goes back: the gate is shut with as many pods as there are. Null where it is. */
export function haltBack({ execution, fleet, members }: Look, reason: string): Step | null {
  const { gate } = fleet
  if (gate.kind !== 'reverting' || isResting(gate)) return null
  if (!execution.capabilities.surge) {
    return act(execution, { kind: 'gate', position: { kind: 'frozen' }, take: [] }, reason)
  }
  // With less room a paused fleet would take a pod away, with more it would add one.
  const surge = Math.max(0, members.size - fleet.wanted)
  const position = { kind: 'reverting', unavailable: 0, surge, rests: true } as const
  return act(execution, { kind: 'gate', position, take: [] }, reason)
}

/** Waits until what has left is ready, or its time is over; null when that is so. A way back that failed goes on in no direction. */
export function becomeReady(look: Look, reason: string): Step | null {
  const { execution, now } = look
  const going = execution.instances.filter((one) => !one.ready && !isOnTarget(one))
  return going.length === 0 || now >= settlesBy(execution) ? null : waitForFlight(look, going, reason)
}

/** Of one that is cancelled: waits until what is in flight has settled, or its time is over; null when that is so. */
export function settleBack(seen: Look, reason: string): Step | null {
  const look = { ...seen, execution: besideOld(seen) }
  const { now, execution } = look
  const until = settlesBy(execution)
  if (now >= until) return null
  // A gate for fewer pods than there are would take some of them away.
  const gate = mayArrive(look) || mayCome(look) ? null : (openForward(look, reason) ?? takeBeside(look, reason))
  if (gate !== null) return gate
  const awaited = execution.instances.filter(isAwaited(look))
  if (awaited.length > 0) return waitForFlight(look, awaited, reason)
  return mayCome(look) ? waitForPods(look, reason) : null
}

/** What is in flight is waited for: so many, and until the last of them has run out of time. */
export function waitForFlight(look: Look, flying: readonly Instance[], reason: string): Step {
  const { execution } = look
  const next = whileInFlight(look)
  const glance = next.kind === 'wait' ? (next.waitingFor.until ?? pace(look)) : pace(look)
  const lookBy = execution.status === 'ROLLING_BACK' ? Math.min(pace(look), glance) : glance
  const until = Math.max(lookBy, ...flying.map((one) => limitIn(look, one)))
  return waitUntil(execution, reason, { until, lookBy }, `${flying.length} instances in flight`)
}

/** What goes back has the time of the way back, and nobody has more. */
function limitIn({ execution, now }: Look, one: Instance): Instant {
  if (execution.status !== 'ROLLING_BACK') return limitOf(execution, one, now)
  const until = settlesBy(execution)
  return isForward(one) && one.startedAt !== null ? Math.min(until, limitOf(execution, one, now)) : until
}

function waitForPods({ execution }: Look, reason: string): Step {
  const until = execution.stageSince + lateMs
  return waitUntil(execution, reason, { until, lookBy: until }, 'pods that were let go may still come')
}

/** Pods that came of a gate that was open until just now may not be seen yet. */
function mayCome({ execution, now }: Look): boolean {
  return isGated(execution) && surges(execution) && now < execution.stageSince + lateMs
}

/** As on the way forward, where helm has not gone back: the old pod stays until the new one beside it has passed. */
function besideOld(look: Look): Execution {
  const { execution, fleet } = look
  if (fleet.template !== 'target') return execution
  if (!surges(execution)) return settling(look)
  const instances = mapChanged(execution.instances, (one): Instance => {
    return isPair(one) && isAdmitted(one) && !one.surge ? { ...one, surge: true } : one
  })
  return settling({ ...look, execution: patch(execution, { instances }) })
}

/** Old pods of passed ones go. */
function openForward(look: Look, reason: string): Step | null {
  const { execution, fleet, members } = look
  if (!isGated(execution) || fleet.template !== 'target' || strategyOf(execution).switches) return null
  const isOpen = fleet.gate.kind === 'admitting'
  const passed = execution.instances.some((one) => one.status === 'COMPLETED' && isPair(one) && !one.surge)
  return isOpen || passed ? setGate(look, positionOf(execution), toTake(execution, members), reason) : null
}

/** New pods beside ready old ones go, where helm has gone back. */
function takeBeside(look: Look, reason: string): Step | null {
  const { execution, fleet, members } = look
  const take = besideReady(look)
  if (take.length === 0) return null
  const sides = [...members.values()].map(({ side }) => side)
  const stay = sides.filter((side) => side === 'target').length - take.length
  const surge = members.size - take.length - fleet.wanted
  const upTo = fleet.wanted - stay
  // Fewer than are wanted, or of a third version: the gate would let others move as well.
  if (surge < 0 || upTo <= 0 || sides.includes('other')) return null
  return act(execution, { kind: 'gate', position: { kind: 'admitting', upTo, surge }, take }, reason)
}

/** Of a new pod and an old one in a place one goes in the end. */
export function isMerging(execution: Execution): boolean {
  return isGated(execution) && surges(execution) && !strategyOf(execution).switches
}

function besideReady(look: Look): readonly PodRef[] {
  const { execution, before, fleet } = look
  if (!isMerging(execution) || fleet.template !== 'previous') return []
  const asked = new Set(podsAboutToGo(before).map(({ uid }) => uid))
  return execution.instances.flatMap((one) => {
    const mayGo = one.nextPod !== null && asked.has(one.nextPod.uid) && fleet.refusals[one.nextPod.uid] === undefined
    return mayGo && isPair(one) && isOldReady(look, one) ? (one.nextPod ?? []) : []
  })
}

function isOldReady({ members }: Look, one: Instance): boolean {
  return members.get(oldPod(one)?.uid ?? '')?.ready === true
}

/** It has not passed, is not ready, or a pod of it is still to go. */
function isAwaited(look: Look): (instance: Instance) => boolean {
  const { execution, fleet } = look
  const merges = isMerging(execution)
  return (one) => {
    if (!isPair(one)) return isForward(one) || (!isOnTarget(one) && (!one.ready || hasLeavingPod(one)))
    if (fleet.template === 'previous') return isForward(one) || merges || !isOldReady(look, one)
    return isForward(one) || (merges && fleet.template === 'target' && one.status === 'COMPLETED')
  }
}
