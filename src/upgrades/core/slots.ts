/*
 * Which pod runs in which place. Pods come and go; places stay, and what is known of one outlives its pods.
 *
 * Where the fleet names its places (a StatefulSet's ordinals, a DaemonSet's nodes, releases) the name decides. In a
 * Deployment any pod may take any place: a known pod keeps its place, a new one goes where one is missed.
 */
import type { Instant } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import { oldPod, targetPod } from './instances.ts'
import type { Execution, FleetSight, Instance, InstanceStatus, Member, NamedPlace, PodRef } from './model.ts'
import { instanceId } from './model.ts'
import { patch } from './patch.ts'

export type Fleet = Extract<FleetSight, { kind: 'present' }>
export type Members = ReadonlyMap<string, Member>

/** The pods that take a place: those on their way out do not. By UID. */
export function membersOf(fleet: Fleet): Members {
  const members = new Map<string, Member>()
  for (const member of fleet.members) if (!member.terminating) members.set(member.pod.uid, member)
  return members
}

/** How an instance is called: by its pod, by the one that is to come there, else by its number. */
export function nameOf({ places }: Fleet, { pod, key, index }: Instance): string {
  return pod?.name ?? places?.find((place) => place.key === key)?.name ?? `instance ${index}`
}

/** Why the controller has made no pod for a place: it makes none at all, or another one has to be ready before. */
export function whyNoPod({ whyNoPods, places }: Fleet, { key }: Instance): string | null {
  const { name, after } = places?.find((place) => place.key === key) ?? { name: '', after: null }
  return whyNoPods ?? (after === null ? null : `${name} is not there: ${after} has to be ready first`)
}

/** With how many instances are wanted now: initiate may be a day ago, and budgets and checks follow what is there. */
export function counted(execution: Execution, fleet: FleetSight | null): Execution {
  if (fleet?.kind !== 'present') return execution
  const { wanted, minReadySeconds = 0 } = fleet
  const pace = minReadySeconds === (execution.minReadySeconds ?? 0) ? {} : { minReadySeconds }
  return patch(execution, { currentInstances: wanted, ...pace })
}

/** The places as the fleet now is: pods bound, places added that the cluster added, and dropped that it took away. */
export function bind(
  execution: Pick<Execution, 'id' | 'status' | 'instances'>,
  fleet: Fleet,
  members: Members,
  now: Instant,
): readonly Instance[] {
  const named = fleet.places !== null || fleet.members.some(({ key }) => key !== null)
  const back = execution.status === 'ROLLING_BACK'
  const bound = named ? bindNamed(execution.instances, members) : bindLoose(execution.instances, members, back)
  const { id } = execution
  const sized =
    fleet.places === null ? resize(id, bound, fleet.wanted, now) : wantedPlaces(id, bound, fleet.places, now)
  const places = named || sized.length >= fleet.wanted ? sized : split(id, sized, fleet.wanted, now)
  return same(places, execution.instances) ? execution.instances : places
}

type Bound = { readonly places: readonly Instance[]; readonly homeless: readonly Member[] }

function same(a: readonly Instance[], b: readonly Instance[]): boolean {
  return a.length === b.length && a.every((instance, at) => instance === b[at])
}

/** What runs in a place: an old pod, a new one, or both. */
type Pair = { readonly old: Member | null; readonly next: Member | null }

function bindNamed(instances: readonly Instance[], members: Members): Bound {
  const byKey = new Map<string, Pair>()
  for (const member of members.values()) {
    const key = member.key ?? member.pod.uid
    const pair = byKey.get(key) ?? { old: null, next: null }
    byKey.set(key, member.side === 'target' ? { ...pair, next: member } : { ...pair, old: member })
  }
  const places = instances.map((instance) => {
    const key = instance.key ?? ''
    const pair = byKey.get(key) ?? { old: null, next: null }
    byKey.delete(key)
    return occupy(instance, pair)
  })
  const homeless = [...byKey.values()].flatMap(({ old, next }) => old ?? next ?? [])
  return { places, homeless }
}

function bindLoose(instances: readonly Instance[], members: Members, back: boolean): Bound {
  const used = new Set<string>()
  const known = (pod: PodRef | null): Member | null => {
    const member = pod === null ? undefined : members.get(pod.uid)
    if (member !== undefined) used.add(member.pod.uid)
    return member ?? null
  }
  const pairs = instances.map((instance) => ({ old: known(oldPod(instance)), next: known(targetPod(instance)) }))
  const newcomers = [...members.values()].filter(({ pod }) => !used.has(pod.uid))
  const placed = newcomers.length === 0 ? { pairs, homeless: [] } : settle(instances, pairs, newcomers, back)
  const settled = trade(instances, placed.pairs)
  return { places: instances.map((instance, at) => occupy(instance, settled[at] ?? nobody)), homeless: placed.homeless }
}

const nobody: Pair = { old: null, next: null }

/** Newcomers of the target version go where one is awaited, those of another version where a place is empty. */
function settle(
  instances: readonly Instance[],
  pairs: readonly Pair[],
  newcomers: readonly Member[],
  back: boolean,
): { readonly pairs: readonly Pair[]; readonly homeless: readonly Member[] } {
  const after = [...pairs]
  const homeless: Member[] = []
  const fresh = newcomers.filter(({ side }) => side === 'target')
  const old = newcomers.filter(({ side }) => side !== 'target')
  const awaiting = fresh.length === 0 ? [] : placesAwaitingTarget(instances, after, back)
  for (const [n, member] of fresh.entries()) {
    const at = awaiting[n]
    if (at === undefined) homeless.push(member)
    else after[at] = { old: after[at]?.old ?? null, next: member }
  }
  const empty = old.length === 0 ? [] : placesAwaitingOld(instances, after, back)
  for (const [n, member] of old.entries()) {
    const at = empty[n]
    if (at === undefined) homeless.push(member)
    else after[at] = { old: member, next: after[at]?.next ?? null }
  }
  return { pairs: after, homeless }
}

/** How much a place of each status awaits a new pod of the target version; 0 first. */
const awaitsTarget: Readonly<Record<InstanceStatus, number>> = {
  UPGRADING: 0,
  HEALTH_CHECKING: 0,
  COMPLETED: 1,
  FAILED: 1,
  DRAINING: 2,
  PENDING: 2,
  ROLLED_BACK: 2,
}

function placesAwaitingTarget(
  instances: readonly Instance[],
  pairs: readonly Pair[],
  back: boolean,
): readonly number[] {
  return ranked(instances, (instance, at) => {
    const pair = pairs[at] ?? nobody
    if (pair.next !== null) return null
    const rank = awaitsTarget[instance.status]
    // Beside an old pod that has not gone yet a new one is missed also where the first one has died.
    if (rank === 0 || pair.old === null || instance.surge) return rank
    // It was let go, and taken back as it turned round before its new pod was seen.
    return back && instance.status === 'PENDING' ? 3 : null
  })
}

/**
 * An empty place first; then one that its old pod is to stay in beside the new one, because that surges or was never let
 * go; on the way back, a place whose new pod is about to go.
 */
function placesAwaitingOld(instances: readonly Instance[], pairs: readonly Pair[], back: boolean): readonly number[] {
  return ranked(instances, (instance, at) => {
    const pair = pairs[at] ?? nobody
    if (pair.old !== null) return null
    if (pair.next === null) return 2 - awaitsTarget[instance.status]
    return instance.surge || isWaiting(instance) ? 3 : back ? 4 : null
  })
}

/** The places by rank, then by index; null takes no part. */
function ranked(instances: readonly Instance[], rank: (instance: Instance, at: number) => number | null) {
  const found: { readonly at: number; readonly rank: number }[] = []
  for (const [at, instance] of instances.entries()) {
    const value = rank(instance, at)
    if (value !== null) found.push({ at, rank: value })
  }
  return found.sort((a, b) => a.rank - b.rank || a.at - b.at).map(({ at }) => at)
}

/** A controller may take another old pod than the chosen one: then the places trade, so that the count holds. */
function trade(instances: readonly Instance[], pairs: readonly Pair[]): readonly Pair[] {
  const robbed: number[] = []
  const spared: number[] = []
  for (const [at, instance] of instances.entries()) {
    const { old, next } = pairs[at] ?? nobody
    if (old === null && keepsOld(instance, next)) robbed.push(at)
    if (mayHaveLost(instance) && old !== null) spared.push(at)
  }
  if (robbed.length === 0 || spared.length === 0) return pairs
  const after = [...pairs]
  for (const [n, to] of robbed.entries()) {
    const from = spared[n]
    if (from === undefined) break
    const { old, next } = after[from] ?? nobody
    after[to] = { old, next: after[to]?.next ?? null }
    after[from] = { old: null, next }
  }
  return after
}

/** Its old pod was not to go: it was not let go, or its new one runs beside and has not passed. */
function keepsOld(instance: Instance, next: Member | null): boolean {
  if (next === null) return isWaiting(instance)
  return instance.surge && instance.status !== 'COMPLETED'
}

const isWaiting = ({ status }: Instance): boolean => status === 'PENDING' || status === 'DRAINING'

/** It was let go: its old pod should have gone, also where the new one has passed beside it. */
function mayHaveLost({ status, surge }: Instance): boolean {
  return !surge && (status === 'UPGRADING' || status === 'HEALTH_CHECKING' || status === 'COMPLETED')
}

/** How many former pods of a place are kept. */
const podsKept = 10

/** The place with these pods in it. */
function occupy(instance: Instance, { old, next }: Pair): Instance {
  const main = old ?? next
  const beside = old === null ? null : next
  const ready = (main?.ready ?? false) || (beside?.ready ?? false)
  const side = main?.side ?? null
  const version = main?.version ?? null
  if (
    samePod(instance.pod, main) &&
    samePod(instance.nextPod, beside) &&
    instance.ready === ready &&
    instance.side === side &&
    instance.version === version
  )
    return instance
  const pod = main?.pod ?? null
  const nextPod = beside?.pod ?? null
  const place = { ...instance, pod, nextPod, side, version, ready, previousPods: left(instance, pod, nextPod) }
  return sameTarget(targetPod(instance), targetPod(place)) ? place : unproved(place)
}

/** Nothing is known of its new pod: what was seen was another one. */
function unproved(place: Instance): Instance {
  return { ...place, health: unknownHealth, upAt: place.status === 'HEALTH_CHECKING' ? null : place.upAt }
}

/** No health check was made of the pod. */
export const unknownHealth = { good: 0, bad: 0, badSince: null, checkedAt: null } as const

function samePod(pod: PodRef | null, member: Member | null): boolean {
  return (pod?.uid ?? null) === (member?.pod.uid ?? null)
}

function sameTarget(a: PodRef | null, b: PodRef | null): boolean {
  return a?.uid === b?.uid
}

function left(instance: Instance, pod: PodRef | null, nextPod: PodRef | null): readonly PodRef[] {
  const gone = [instance.pod, instance.nextPod].filter(
    (before): before is PodRef => before !== null && before.uid !== pod?.uid && before.uid !== nextPod?.uid,
  )
  return gone.length === 0 ? instance.previousPods : [...instance.previousPods, ...gone].slice(-podsKept)
}

/** Which of the empty places are given up first when the fleet shrinks. */
const givenUp: Readonly<Record<InstanceStatus, number>> = {
  PENDING: 0,
  ROLLED_BACK: 0,
  DRAINING: 1,
  COMPLETED: 2,
  FAILED: 3,
  UPGRADING: 4,
  HEALTH_CHECKING: 4,
}

/**
 * Where the fleet names its places: those that it wants, and no other. One that has no pod yet is a place as any other; one
 * that is not wanted any more is no place of ours, also while its pod has not gone: a gate that counts ordinals from
 * the highest would let another one go for it.
 */
function wantedPlaces(
  executionId: Uuid,
  { places, homeless }: Bound,
  wanted: readonly NamedPlace[],
  now: Instant,
): readonly Instance[] {
  const names = new Set(wanted.map(({ key }) => key))
  const kept = places.filter(({ key }) => key !== null && names.has(key))
  const known = new Set(kept.map(({ key }) => key))
  const missing = wanted.filter(({ key }) => !known.has(key))
  const from = nextIndex(kept)
  const found = foundIn(missing, homeless)
  return [...kept, ...found.map((member, n) => addedByCluster(executionId, from + n, member, now))]
}

/** What is in named places: a pod, or nothing yet. */
export function foundIn(places: readonly NamedPlace[], members: readonly Member[]): readonly Found[] {
  const there = new Map(members.map((member) => [member.key, member]))
  return places.map(({ key }) => there.get(key) ?? { key, pod: null, side: null, ready: false })
}

/** As many places as the fleet wants: empty ones go, pods without a place get one. */
function resize(executionId: Uuid, { places, homeless }: Bound, wanted: number, now: Instant): readonly Instance[] {
  const named = homeless.filter(({ key }) => key !== null).length
  const surplus = places.length + Math.min(named, homeless.length) - wanted
  const kept = surplus > 0 ? withoutEmpty(places, surplus) : places
  const newcomers = homeless.slice(0, Math.max(0, wanted - kept.length))
  if (newcomers.length === 0) return kept
  const from = nextIndex(kept)
  return [...kept, ...newcomers.map((member, n) => addedByCluster(executionId, from + n, member, now))]
}

function withoutEmpty(places: readonly Instance[], surplus: number): readonly Instance[] {
  const empty = places
    .filter(({ pod, nextPod }) => pod === null && nextPod === null)
    .sort((a, b) => givenUp[a.status] - givenUp[b.status] || b.index - a.index)
  const gone = new Set(empty.slice(0, surplus))
  return gone.size === 0 ? places : places.filter((place) => !gone.has(place))
}

/**
 * Fewer places than the fleet wants, and no pod without one: an old pod that was to go beside a passed one stays, because
 * the fleet was scaled meanwhile. It gets a place of its own.
 */
function split(executionId: Uuid, places: readonly Instance[], wanted: number, now: Instant): readonly Instance[] {
  const pairs = places.filter((one) => one.status === 'COMPLETED' && !one.surge && one.nextPod !== null)
  const chosen = new Set(pairs.slice(0, wanted - places.length))
  if (chosen.size === 0) return places
  const from = nextIndex(places)
  const old = [...chosen].flatMap(({ pod, ready, side, version }) =>
    pod === null ? [] : { pod, key: null, side: side ?? 'other', ready, ...(version === null ? {} : { version }) },
  )
  const added = old.map((member, n) => addedByCluster(executionId, from + n, member, now))
  const kept = places.map((one): Instance => {
    return chosen.has(one) ? { ...one, pod: one.nextPod, nextPod: null, side: 'target', version: null } : one
  })
  return [...kept, ...added]
}

function nextIndex(places: readonly Instance[]): number {
  return places.reduce((highest, { index }) => Math.max(highest, index), -1) + 1
}

/** An instance that the cluster added: one on the target version joins what is in flight. */
function addedByCluster(executionId: Uuid, index: number, member: Found, now: Instant): Instance {
  const joins = member.side === 'target'
  return {
    ...newInstance(executionId, index, member, 'CLUSTER'),
    status: joins ? 'UPGRADING' : 'PENDING',
    startedAt: joins ? now : null,
  }
}

/** What was found in a place: a pod, or that it has none. */
export type Found = Pick<Member, 'key' | 'version' | 'ready'> & Pick<Instance, 'pod' | 'side'>

/** An instance that nothing was done to. */
export function newInstance(executionId: Uuid, index: number, member: Found, origin: Instance['origin']): Instance {
  return {
    id: instanceId(executionId, index),
    index,
    key: member.key,
    origin,
    status: 'PENDING',
    side: member.side,
    version: member.version ?? null,
    pod: member.pod,
    nextPod: null,
    surge: false,
    previousPods: [],
    ready: member.ready,
    unchanged: false,
    message: null,
    health: unknownHealth,
    startedAt: null,
    upAt: null,
    endedAt: null,
  }
}
