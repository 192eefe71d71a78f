import type { Instant } from '../../../core/instant.ts'
import { isResting } from '../position.ts'
import {
  availableAt,
  handOn,
  isAvailable,
  isReady,
  madeNow,
  newPod,
  readyAt,
  refOf,
  toldToGo,
  type World,
  type WorldPod,
  type WorldSide,
} from './world.ts'

/** The world as it is at a moment: everything that would have happened since it was last advanced has happened. */
export function advance(world: World, now: Instant): World {
  let next = control(applied({ ...world, at: Math.max(world.at, 0) }))
  for (let event = nextEvent(next); event <= now; event = nextEvent(next))
    next = control(applied(withoutGone({ ...next, at: event })))
  return { ...next, at: Math.max(next.at, now) }
}

/** The next moment at which something changes by itself. */
function nextEvent(world: World): Instant {
  let first = Number.POSITIVE_INFINITY
  const consider = (moment: Instant | null): void => {
    if (moment !== null && moment > world.at && moment < first) first = moment
  }
  for (const pod of world.pods) {
    consider(pod.goneAt)
    consider(readyAt(world, pod))
    consider(availableAt(world, pod))
  }
  for (const { deploy, undo } of world.releases) {
    if (deploy.kind === 'running') consider(deploy.until)
    if (undo.kind === 'running') consider(undo.until)
  }
  return first
}

function withoutGone(world: World): World {
  const pods = world.pods.filter(({ goneAt }) => goneAt === null || goneAt > world.at)
  return pods.length === world.pods.length ? world : { ...world, pods }
}

/** Helm has applied what it was given: the template is another, or helm failed. */
function applied(world: World): World {
  if (!world.podsChange) return world
  if (world.kind === 'each') return eachApplied(world)
  if (world.faults.deployFails) return world
  let { template } = world
  for (const { deploy, undo } of world.releases) {
    if (deploy.kind === 'running' && world.at >= deploy.until && undo.kind === 'absent') template = 'target'
    if (undo.kind !== 'absent' && !(undo.kind === 'running' && world.at < undo.until)) template = 'previous'
  }
  if (handOn(world) === 'previous') template = 'previous'
  return template === world.template ? world : { ...world, template }
}

/** Every release has pods of its own: they are replaced as soon as its helm has applied. */
function eachApplied(world: World): World {
  const pods = world.pods.map((pod) => {
    const release = world.releases[pod.slot]
    const side = release === undefined ? pod.side : sideOf(world, release)
    return side === pod.side ? pod : newPod(pod.slot, pod.serial, side, world.at)
  })
  return { ...world, pods }
}

function sideOf({ at, faults }: World, { deploy, undo }: World['releases'][number]): WorldSide {
  const done = (child: typeof deploy): boolean =>
    child.kind !== 'absent' && !(child.kind === 'running' && at < child.until)
  if (done(undo)) return 'previous'
  return done(deploy) && !faults.deployFails ? 'target' : 'previous'
}

/**
 * Somebody scales the fleet. As a Deployment's controller does, each side first takes its share of the new number; what the
 * gate lets move on from there comes after that.
 */
export function resizedTo(world: World, wanted: number): World {
  const next = { ...world, wanted, sizes: shared({ ...world, wanted }) }
  return world.kind === 'surging' ? controlSurging(next) : next
}

/** Like a Deployment that is paused or scaled: the largest side, of two alike the older, takes what rounding leaves. */
function shared({ sizes: { previous, target }, wanted, gate }: World): World['sizes'] {
  const surge = gate.kind === 'admitting' ? gate.surge : 0
  const sum = previous + target
  if (wanted === 0) return { previous: 0, target: 0 }
  if (target === 0) return { previous: wanted, target: 0 }
  if (previous === 0) return { previous: 0, target: wanted }
  const share = (size: number): number => Math.round((size * (wanted + surge)) / sum)
  if (target > previous) return { previous: share(previous), target: wanted + surge - share(previous) }
  return { previous: wanted + surge - share(target), target: share(target) }
}

/** What the workload's controller does now. */
function control(world: World): World {
  if (world.kind === 'each') return world
  if (world.kind !== 'surging') return controlPlaces(world)
  return controlSurging(resized(world))
}

const live = ({ pods }: World): readonly WorldPod[] => pods.filter(({ goneAt }) => goneAt === null)
const other = (side: WorldSide): WorldSide => (side === 'target' ? 'previous' : 'target')

/** Like a Deployment: how many pods each side has, by the gate. */
function resized(world: World): World {
  const { gate, wanted, template, sizes } = world
  if (isResting(gate)) return gate.kind === 'reverting' ? world : { ...world, sizes: shared(world) }
  if (gate.kind === 'admitting' && (template === 'target' || handOn(world) === null)) {
    const from = other(template)
    const left = Math.min(sizes[from], Math.max(0, wanted - gate.upTo))
    const come = Math.max(sizes[template], Math.min(wanted, wanted + gate.surge - left))
    return {
      ...world,
      sizes: template === 'target' ? { previous: left, target: come } : { previous: come, target: left },
    }
  }
  if (gate.kind !== 'none' && gate.kind !== 'reverting') return { ...world, sizes: scaled(world) }
  const budget = gate.kind === 'reverting' ? gate.unavailable : Math.max(1, Math.floor(wanted / 4))
  const surge = gate.kind === 'reverting' ? gate.surge : Math.max(1, Math.ceil(wanted / 4))
  return rolling(world, budget, surge)
}

/** Nothing moves; scaling passes a gate all the same, on the side that has more. */
function scaled({ sizes, wanted, gate }: World): World['sizes'] {
  const sum = sizes.previous + sizes.target
  if (gate.kind === 'closed' && sum !== wanted && sum > 0)
    return { ...sizes, previous: Math.max(0, wanted - sizes.target) }
  return sizes
}

/** An ordinary rolling update towards the template, one wave: what may go goes, what may come comes. */
function rolling(world: World, budget: number, surge: number): World {
  const { template, wanted, sizes } = world
  const from = other(template)
  const pods = live(world)
  const unready = pods.filter((pod) => pod.side === from && !isReady(world, pod, world.at)).length
  const available = pods.filter((pod) => isAvailable(world, pod, world.at)).length
  const mayGo = Math.max(0, available - (wanted - budget)) + unready
  const left = Math.max(0, sizes[from] - mayGo)
  const come = Math.min(wanted, Math.max(sizes[template], wanted + surge - left))
  return {
    ...world,
    sizes: template === 'target' ? { previous: left, target: come } : { previous: come, target: left },
  }
}

function controlSurging(world: World): World {
  return fill(fill(shrink(shrink(world, 'previous'), 'target'), 'target'), 'previous')
}

/** Pods that are too many go: the marked ones, then those that are not ready, then those beside another. */
function shrink(world: World, side: WorldSide): World {
  const pods = live(world).filter((pod) => pod.side === side)
  const surplus = pods.length - world.sizes[side]
  if (surplus <= 0) return world
  const marked = new Set(world.marked)
  const served = new Set(
    live(world)
      .filter((pod) => pod.side !== side)
      .map(({ slot }) => slot),
  )
  const cost = (pod: WorldPod): number =>
    (marked.has(refOf(world, pod).uid) ? 0 : 4) +
    (isReady(world, pod, world.at) ? 2 : 0) +
    (served.has(pod.slot) ? 0 : 1)
  const going = new Set(
    pods
      .map((pod) => ({ pod, cost: cost(pod) }))
      .sort((a, b) => a.cost - b.cost || b.pod.slot - a.pod.slot)
      .slice(0, surplus)
      .map(({ pod }) => pod),
  )
  return {
    ...world,
    pods: world.pods.map((pod) => (going.has(pod) ? toldToGo(world, pod) : pod)),
  }
}

/** Missing pods come: in places that nobody serves, then beside what is not ready, then from the first on. */
function fill(world: World, side: WorldSide): World {
  const pods = live(world)
  const own = new Set(pods.filter((pod) => pod.side === side).map(({ slot }) => slot))
  const missing = world.sizes[side] - own.size
  if (missing <= 0) return world
  const rank = ranksOf(world, pods)
  const free: number[] = []
  for (let slot = 0; slot < world.wanted + world.sizes[side]; slot++) if (!own.has(slot)) free.push(slot)
  const slots = free
    .sort((a, b) => (rank.get(a) ?? (a < world.wanted ? 0 : 9)) - (rank.get(b) ?? (b < world.wanted ? 0 : 9)) || a - b)
    .slice(0, missing)
  const fresh = slots.map((slot, n) => madeNow(world, slot, world.serial + n, side))
  return { ...world, pods: [...world.pods, ...fresh], serial: world.serial + fresh.length }
}

function ranksOf(world: World, pods: readonly WorldPod[]): ReadonlyMap<number, number> {
  return new Map(pods.map((pod) => [pod.slot, isReady(world, pod, world.at) ? 2 : 1]))
}

/** Like a StatefulSet or a DaemonSet: a pod for each place, of the version that the gate lets it have. */
function controlPlaces(world: World): World {
  const going = new Set(takenAway(world).map(({ serial }) => serial))
  const pods = world.pods.map((pod) => (going.has(pod.serial) ? toldToGo(world, pod) : pod))
  const fresh = filling(world, pods)
  if (going.size === 0 && fresh.length === 0) return world
  return { ...world, pods: [...pods, ...fresh], serial: world.serial + fresh.length }
}

/** The pods that come now, in places that have none. */
function filling(world: World, pods: readonly WorldPod[]): readonly WorldPod[] {
  const inPlace = new Map(pods.map((pod) => [pod.slot, pod]))
  const fresh: WorldPod[] = []
  for (let slot = 0; slot < world.wanted; slot++) {
    const known = inPlace.get(slot)
    const pod = known ?? madeNow(world, slot, world.serial + fresh.length, sideOfPlace(world, slot))
    if (known === undefined) fresh.push(pod)
    if (world.inTurn && (pod.goneAt !== null || !isReady(world, pod, world.at))) break
  }
  return fresh
}

/** Ordered places below the partition keep the previous version; a node's pod always comes back in the new one. */
function sideOfPlace({ kind, gate, partition = 0, template }: World, slot: number): WorldSide {
  if (template === 'previous' || kind === 'nodes' || gate.kind === 'none' || gate.kind === 'reverting') return template
  return slot >= partition ? 'target' : 'previous'
}

/** The pods that go now: too many, marked, or next in the controller's own order. */
function takenAway(world: World): readonly WorldPod[] {
  const pods = live(world)
  const surplus = surplusNow(world, pods)
  const stale = pods.filter((pod) => pod.slot < world.wanted && pod.side !== sideOfPlace(world, pod.slot))
  const marked = new Set(world.marked)
  const evicted = pods.filter((pod) => marked.has(refOf(world, pod).uid))
  return [...surplus, ...evicted, ...nextInOrder(world, pods, stale)]
}

/** Those above what is wanted: all of them, or in turn the highest, once nobody is on the way out. */
function surplusNow(world: World, pods: readonly WorldPod[]): readonly WorldPod[] {
  const surplus = pods.filter(({ slot }) => slot >= world.wanted)
  if (!world.inTurn || surplus.length === 0) return surplus
  if (world.pods.length > pods.length) return []
  return [surplus.reduce((highest, pod) => (pod.slot > highest.slot ? pod : highest))]
}

const takesNone: ReadonlySet<World['gate']['kind']> = new Set(['closed', 'halted', 'frozen', 'reverting'])

/** An ordered controller replaces one at a time, the highest first, and waits while any is not ready. */
function nextInOrder(world: World, pods: readonly WorldPod[], stale: readonly WorldPod[]): readonly WorldPod[] {
  if (world.kind !== 'ordered' || takesNone.has(world.gate.kind) || stale.length === 0) return []
  const allReady = pods.length === world.wanted && pods.every((pod) => isReady(world, pod, world.at))
  if (!allReady || world.pods.length > pods.length) return []
  return [stale.reduce((highest, pod) => (pod.slot > highest.slot ? pod : highest))]
}
