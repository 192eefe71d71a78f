import type { Instant } from '../../../core/instant.ts'
import type {
  Disruptions,
  FleetSight,
  GatePosition,
  Member,
  NamedPlace,
  PodRef,
  PodTemplate,
  ReleaseSight,
  Side,
} from '../model.ts'
import { advance } from './fleet.ts'
import { badAt, graceEnds, handOn, isReady, readyAt, refOf, releaseSights, type World, type WorldPod } from './world.ts'

/** What is asked in a look: whose health endpoint is due, and who is about to go. The same as a driver is asked. */
export type WorldLook = { readonly wantsProbe: (pod: PodRef) => boolean; readonly aboutToGo: readonly PodRef[] }

/** What is seen of the world at a moment. Changes nothing. */
export function observeWorld(
  stored: World,
  look: WorldLook,
  now: Instant,
): { readonly fleet: FleetSight; readonly releases: readonly ReleaseSight[] } {
  const world = advance(stored, now)
  return { fleet: fleetSight(world, look), releases: releaseSights(world) }
}

function fleetSight(world: World, look: WorldLook): FleetSight {
  const { pin, wanted, template } = world
  return {
    kind: 'present',
    wanted,
    places: placesOf(world),
    members: world.pods.map((pod) => memberOf(world, pod)),
    gate: gateNow(world),
    template: world.kind === 'each' ? null : (handOn(world) ?? template),
    ...(world.kind === 'each' ? {} : { podTemplate: podTemplateOf(world) }),
    pin: pin === null ? null : { to: pin, endpoints: endpointsOf(world, pin) },
    probes: probesOf(world, look),
    refusals: refusalsOf(world, look.aboutToGo),
    disruptions: disruptionsOf(world),
    others: { settled: true, uniform: true, blockers: [] },
    whyNoPods: null,
    ...(world.minReadySeconds === undefined ? {} : { minReadySeconds: world.minReadySeconds }),
  }
}

function podTemplateOf(world: World): PodTemplate {
  const mark = handOn(world) ?? world.template
  // A controller that is kept from making a pod of it has told none.
  const isTold = world.kind !== 'surging' || mark === 'previous' || world.sizes.target > 0
  return { mark, hash: isTold ? mark : null }
}

/** What an ordered gate lets go follows from what it keeps: another hand may have scaled. */
function gateNow({ kind, gate, wanted, partition = 0 }: World): GatePosition {
  if (kind !== 'ordered' || gate.kind !== 'admitting') return gate
  return { ...gate, upTo: Math.max(0, wanted - partition) }
}

/** What the fleet names beforehand: `after` is the first that is not ready, for all above it. */
function placesOf(world: World): readonly NamedPlace[] | null {
  if (world.kind !== 'ordered') return null
  const ready = new Set(
    world.pods.flatMap((pod) => (pod.goneAt === null && isReady(world, pod, world.at) ? pod.slot : [])),
  )
  const slots = Array.from({ length: world.wanted }, (_, slot) => slot)
  const first = world.inTurn ? (slots.find((slot) => !ready.has(slot)) ?? world.wanted) : world.wanted
  return slots.map((slot) => ({ key: String(slot), name: `pod-${slot}`, after: slot > first ? `pod-${first}` : null }))
}

function memberOf(world: World, pod: WorldPod): Member {
  const ready = isReady(world, pod, world.at)
  return {
    pod: refOf(world, pod),
    key: keyOf(world, pod),
    side: pod.isForeign === true ? 'other' : pod.side,
    ready,
    ...(ready && world.kind !== 'each' ? { readySince: toSeconds(readyAt(world, pod)) } : {}),
    terminating: pod.goneAt !== null,
    ...(pod.goneAt === null ? {} : { goneBy: graceEnds(world, pod.goneAt) }),
    problem: ready ? null : problemOf(world, pod),
  }
}

/** Clusters tell moments to the second. */
const toSeconds = (moment: Instant): Instant => moment - (moment % 1000)

function keyOf(world: World, pod: WorldPod): string | null {
  if (world.kind === 'surging') return null
  return world.kind === 'each' ? refOf(world, pod).uid : String(pod.slot)
}

function problemOf(world: World, pod: WorldPod): string {
  if (world.at >= badAt(world, pod)) return 'it turned bad in the rehearsal'
  return readyAt(world, pod) === Number.POSITIVE_INFINITY ? 'it never becomes ready in the rehearsal' : 'it is starting'
}

function endpointsOf(world: World, side: Side): number {
  return world.pods.filter(
    (pod) => pod.side === side && pod.isForeign !== true && pod.goneAt === null && isReady(world, pod, world.at),
  ).length
}

function probesOf(world: World, { wantsProbe }: WorldLook): Readonly<Record<string, 'good' | 'bad'>> {
  const probes: Record<string, 'good' | 'bad'> = {}
  for (const pod of world.pods) {
    const ref = refOf(world, pod)
    if (pod.goneAt === null && wantsProbe(ref)) probes[ref.uid] = isReady(world, pod, world.at) ? 'good' : 'bad'
  }
  return probes
}

/** A fault keeps the pod that was there before; a budget keeps ready ones, but for as many as it leaves. */
function refusalsOf(world: World, aboutToGo: readonly PodRef[]): Readonly<Record<string, string>> {
  const never = new Set(world.faults.neverDrains ?? [])
  const budget = disruptionsOf(world)
  if (never.size === 0 && budget === null) return {}
  const pods = new Map(world.pods.map((pod) => [refOf(world, pod).uid, pod]))
  let left = budget?.left ?? Number.POSITIVE_INFINITY
  const refusals: Record<string, string> = {}
  for (const { uid } of aboutToGo) {
    const pod = pods.get(uid)
    if (pod === undefined) continue
    if (pod.side === 'previous' && never.has(pod.slot)) refusals[uid] = 'its disruption budget does not let it go'
    else if (budget !== null && isReady(world, pod, world.at) && left-- <= 0) refusals[uid] = budget.why
  }
  return refusals
}

/** What the budget leaves of the pods that are ready and stay. */
function disruptionsOf(world: World): Disruptions | null {
  const { minAvailable } = world
  if (minAvailable === undefined) return null
  const ready = world.pods.filter((pod) => pod.goneAt === null && isReady(world, pod, world.at)).length
  return { left: ready - minAvailable, why: `its disruption budget wants ${minAvailable} and has ${ready}` }
}
