/*
 * A simulated fleet: what a rehearsal upgrades, and what the simulation drives. Its state is plain JSON and knows no
 * clock; whoever holds it passes the time in. Nothing happens between looks but what `advance` (`fleet.ts`) makes up for:
 * pods come and go, become ready and turn bad at the moments at which they would have.
 */
import type { Instant } from '../../../core/instant.ts'
import type { Uuid } from '../../../core/subject.ts'
import type { ChildSight, GatePosition, PodRef, RehearsalFaults, ReleaseSight, Side } from '../model.ts'

/** The kinds of fleets: like a Deployment, like a StatefulSet, like a DaemonSet, or several releases. */
export const fleetKinds = ['surging', 'ordered', 'nodes', 'each'] as const
export type FleetKind = (typeof fleetKinds)[number]

export type WorldSide = 'previous' | 'target'
export type WorldPod = {
  /** Its place: what the faults name. */
  readonly slot: number
  /** Makes its name and UID, with the slot. */
  readonly serial: number
  readonly side: WorldSide
  /** Was there before anything was touched. */
  readonly first: boolean
  readonly bornAt: Instant
  /** On its way out until then. */
  readonly goneAt: Instant | null
  /** Somebody broke it: it is never ready again. */
  readonly broken: boolean
  /** It was made of another hand's template. */
  readonly isForeign?: true
}

/** One of our operations on a release; helm takes a while. */
export type WorldChild =
  | { readonly kind: 'running'; readonly until: Instant }
  | Exclude<ChildSight, { readonly kind: 'running' }>
export type WorldRelease = {
  readonly releaseId: Uuid
  readonly exists: boolean
  readonly revision: number
  readonly deploy: WorldChild
  readonly undo: WorldChild
  /** Its newest revision is of an operation that has ended before: a write of a lost worker came late. */
  readonly isLate?: boolean
  /** Its newest revision is another hand's, and has changed nothing: it is pending, or has failed. */
  readonly stands?: 'pending' | 'failed' | undefined
}

export type World = {
  readonly kind: FleetKind
  /** Until when it was advanced. */
  readonly at: Instant
  readonly wanted: number
  /** What helm applied last. */
  readonly template: WorldSide
  /** What another hand has made of the template since; until helm goes back. Absent: nothing. */
  readonly hand?: 'other' | 'previous' | undefined
  /** False: what helm applies changes no pod. */
  readonly podsChange: boolean
  /** How many pods of each side the controller keeps while it moves nothing. */
  readonly sizes: Readonly<Record<WorldSide, number>>
  readonly gate: GatePosition
  /**
   * In an ordered fleet, how many of the lowest ordinals the gate keeps: that stands as it was written, whatever is scaled.
   * Absent where nothing was written: as its gate is.
   */
  readonly partition?: number
  /** Pods that may go, by UID. */
  readonly marked: readonly string[]
  /** Where the traffic is pinned to; `other`: another hand has set it to nobody. */
  readonly pin: Side | null
  readonly pods: readonly WorldPod[]
  readonly serial: number
  readonly releases: readonly WorldRelease[]
  readonly faults: RehearsalFaults
  /** How pods stop. Absent in what was stored before: as they do by default. */
  readonly stopping?: Stopping
  /**
   * An ordered fleet makes a pod only once all below it are ready, and takes one at a time away, as OrderedReady does.
   * Absent: whatever is missing or too many, at once.
   */
  readonly inTurn?: boolean
  /** How many seconds a pod has to be ready before the controller of a surging fleet counts it as available. Absent: 0. */
  readonly minReadySeconds?: number
  /** How many pods of it a disruption budget wants to be ready. Absent: there is none. */
  readonly minAvailable?: number
  /** Counts the writes: a write that comes late is refused when another came before. */
  readonly writes: number
}

/** How long a pod takes to go once it is told, and how long it is given; one that takes longer outlives its grace period. */
export type Stopping = { readonly takesMs: number; readonly graceMs: number }

/** How pods stop by default. */
export const stopsAtOnce: Stopping = { takesMs: 1000, graceMs: 1000 }

export type NewWorld = {
  readonly size: number
  readonly kind: FleetKind
  readonly faults: RehearsalFaults
  /** The releases that the execution claims: one, or where each instance is a release one each. */
  readonly releaseIds: readonly Uuid[]
  readonly podsChange?: boolean
  readonly stopping?: Stopping
  /** How many pods there are at first, where the fleet is still building up; all without it. */
  readonly present?: number | undefined
  readonly inTurn?: boolean
}

/** A fleet on the previous version, ready but for what the faults say. Its releases are at revision 1. */
export function createWorld(wanted: NewWorld, now: Instant): World {
  const { size, kind, faults, releaseIds, podsChange = true, stopping = stopsAtOnce, inTurn = false } = wanted
  const pods = Array.from(
    { length: Math.min(size, wanted.present ?? size) },
    (_, slot): WorldPod => ({ ...newPod(slot, slot, 'previous', longAgo), first: true }),
  )
  return {
    kind,
    at: now,
    wanted: size,
    template: 'previous',
    podsChange,
    sizes: { previous: size, target: 0 },
    gate: { kind: 'none' },
    marked: [],
    pin: null,
    pods,
    serial: pods.length,
    releases: releaseIds.map((releaseId) => ({ releaseId, exists: true, revision: 1, deploy: absent, undo: absent })),
    faults,
    stopping,
    ...(inTurn ? { inTurn } : {}),
    writes: 0,
  }
}

const longAgo = 0
const absent: WorldChild = { kind: 'absent' }

export function newPod(slot: number, serial: number, side: WorldSide, bornAt: Instant): WorldPod {
  return { slot, serial, side, first: false, bornAt, goneAt: null, broken: false }
}

/** What another hand has made of the template, while that stands. */
export function handOn({ hand, releases }: World): 'other' | 'previous' | null {
  return releases.every(({ undo }) => undo.kind === 'absent') ? (hand ?? null) : null
}

/** A pod that the controller makes now. */
export function madeNow(world: World, slot: number, serial: number, side: WorldSide): WorldPod {
  const pod = newPod(slot, serial, side, world.at)
  return side === 'target' && handOn(world) === 'other' ? { ...pod, isForeign: true } : pod
}

/** The pod, told to go now. */
export function toldToGo({ at, stopping = stopsAtOnce }: World, pod: WorldPod): WorldPod {
  return { ...pod, goneAt: at + stopping.takesMs }
}

/** When the grace period of a pod ends that is gone at that moment. */
export function graceEnds({ stopping = stopsAtOnce }: World, goneAt: Instant): Instant {
  return goneAt - stopping.takesMs + stopping.graceMs
}

/** How a pod is called. Where each instance is a release, that is the release's id. */
export function refOf({ kind, releases }: World, { slot, serial }: WorldPod): PodRef {
  const release = kind === 'each' ? releases[slot] : undefined
  if (release !== undefined) return { name: `release-${slot}`, uid: release.releaseId }
  return { name: `pod-${slot}-${serial}`, uid: `pod-${slot}-${serial}` }
}

/** Seconds that a pod takes to become ready, unless the faults say otherwise. */
const readySeconds = 2

/** From when on a pod is ready; Infinity: never. */
export function readyAt({ faults }: World, pod: WorldPod): Instant {
  if (pod.broken || isNeverReady(faults, pod)) return Number.POSITIVE_INFINITY
  return pod.first ? pod.bornAt : pod.bornAt + (faults.readySeconds ?? readySeconds) * 1000
}

function isNeverReady(faults: RehearsalFaults, { side, slot, first }: WorldPod): boolean {
  if (side === 'target') return faults.neverReady?.includes(slot) ?? false
  return (first ? faults.unreadyBefore : faults.neverReverts)?.includes(slot) ?? false
}

/** When a pod turns bad; Infinity: never. */
export function badAt(world: World, pod: WorldPod): Instant {
  const fault = pod.side === 'target' ? world.faults.turnsBad?.find(({ index }) => index === pod.slot) : undefined
  return fault === undefined ? Number.POSITIVE_INFINITY : readyAt(world, pod) + fault.afterSeconds * 1000
}

/** From when on a rolling update counts a pod; one that was there before anything was touched has been ready for long. */
export function availableAt(world: World, pod: WorldPod): Instant {
  return readyAt(world, pod) + (pod.first ? 0 : (world.minReadySeconds ?? 0) * 1000)
}

export function isAvailable(world: World, pod: WorldPod, now: Instant): boolean {
  return isReady(world, pod, now) && now >= availableAt(world, pod)
}

export function isReady(world: World, pod: WorldPod, now: Instant): boolean {
  return now >= readyAt(world, pod) && now < badAt(world, pod)
}

/** How our operation on a release stands now. */
export function childNow(world: World, child: WorldChild, now: Instant): ChildSight {
  if (child.kind !== 'running' || now < child.until) return child
  if (world.faults.deployFails) return { kind: 'failed', code: 'helm_failed', detail: 'helm failed in the rehearsal' }
  return { kind: 'held' }
}

/** The claimed releases as they are now. */
export function releaseSights(world: World): readonly ReleaseSight[] {
  return world.releases.map(({ releaseId, exists, revision, deploy, undo, isLate = false, stands }) => ({
    releaseId,
    exists,
    revision,
    ...(stands === undefined ? {} : { stands }),
    secretUid: `revision-${revision}`,
    madeBy: isLate ? 'operation' : madeBy({ revision, deploy, undo }),
    deploy: childNow(world, deploy, world.at),
    undo: undo.kind === 'running' && world.at < undo.until ? { kind: 'running' } : settledUndo(undo),
  }))
}

/** Each operation of ours makes one revision, on top of the first; more than that are another hand's. */
function madeBy({
  revision,
  deploy,
  undo,
}: Pick<WorldRelease, 'revision' | 'deploy' | 'undo'>): ReleaseSight['madeBy'] {
  const [deployed, undone] = [deploy.kind !== 'absent', undo.kind !== 'absent']
  if (revision > 1 + Number(deployed) + Number(undone)) return null
  return undone ? 'undo' : deployed ? 'deploy' : null
}

function settledUndo(undo: WorldChild): ChildSight {
  return undo.kind === 'running' ? { kind: 'held' } : undo
}
