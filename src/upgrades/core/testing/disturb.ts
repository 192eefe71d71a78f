import type { Instant } from '../../../core/instant.ts'
import { isResting } from '../position.ts'
import { advance, resizedTo } from '../rehearsal/fleet.ts'
import { toldToGo, type World, type WorldPod } from '../rehearsal/world.ts'

/** Somebody scales the fleet. */
export function scale(stored: World, wanted: number, now: Instant): World {
  const world = advance(stored, now)
  if (world.kind === 'each' || wanted === world.wanted) return world
  return advance({ ...resizedTo(world, wanted), writes: world.writes + 1 }, now)
}

/** A pod dies by itself; its controller makes another. */
export function killPod(stored: World, nth: number, now: Instant): World {
  return withPod(stored, nth, now, toldToGo)
}

/** A pod is never ready again. */
export function breakPod(stored: World, nth: number, now: Instant): World {
  return withPod(stored, nth, now, (_, pod) => ({ ...pod, broken: true }))
}

type Change = (world: World, pod: WorldPod) => WorldPod

function withPod(stored: World, nth: number, now: Instant, change: Change): World {
  const world = advance(stored, now)
  const live = world.pods.filter(({ goneAt }) => goneAt === null)
  const chosen = live[nth % Math.max(1, live.length)]
  if (chosen === undefined || world.kind === 'each') return world
  return advance({ ...world, pods: world.pods.map((pod) => (pod === chosen ? change(world, pod) : pod)) }, now)
}

/** Another hand runs helm: our operations end with that, or the revision is simply another. */
export function anotherHand(stored: World, now: Instant): World {
  return byHand(stored, undefined, now)
}

/** Another hand runs helm, which is still before it applies anything, or has failed there. */
export const handInVain =
  (stands: 'pending' | 'failed') =>
  (stored: World, now: Instant): World =>
    byHand(stored, stands, now)

/** What was pending of another hand is deployed, or has failed. */
export function handEnds(stored: World, stands: 'failed' | undefined, now: Instant): World {
  const world = advance(stored, now)
  const releases = world.releases.map((one) => (one.stands === 'pending' ? { ...one, stands } : one))
  return { ...world, releases }
}

function byHand(stored: World, stands: 'pending' | 'failed' | undefined, now: Instant): World {
  const world = advance(stored, now)
  const failed = { kind: 'failed', code: 'changed_by_another_hand', detail: 'another hand upgraded it' } as const
  const releases = world.releases.map((release, at) => {
    if (at > 0) return release
    const open = (kind: string): boolean => kind === 'held' || kind === 'running'
    const deploy = open(release.deploy.kind) || release.deploy.kind === 'held' ? failed : release.deploy
    const undo = open(release.undo.kind) ? failed : release.undo
    return { ...release, revision: release.revision + 1, stands, deploy, undo }
  })
  return { ...world, releases, writes: world.writes + 1 }
}

/** A write of an operation that had ended before the execution began arrives: its worker was lost. */
export function lateWrite(stored: World, now: Instant): World {
  const world = advance(stored, now)
  const releases = world.releases.map((one) => ({ ...one, revision: one.revision + 1, isLate: true }))
  return { ...world, releases, writes: world.writes + 1 }
}

/** Another hand edits the selector of a pinned Service: it matches nobody. */
export function misPin(stored: World, now: Instant): World {
  const world = advance(stored, now)
  return world.pin === null ? world : { ...world, pin: 'other', writes: world.writes + 1 }
}

/** Another hand changes the pod template: what the gate has let go is replaced by pods of that. */
export function editTemplate(stored: World, now: Instant): World {
  const world = advance(stored, now)
  const isOpen = !isResting(world.gate) && world.kind !== 'nodes'
  const pods = world.pods.map((pod) => (isOpen && pod.side === 'target' ? toldToGo(world, pod) : pod))
  return { ...world, hand: 'other', pods, writes: world.writes + 1 }
}

/** Another hand puts the template of before back (`kubectl rollout undo`). */
export function undoTemplate(stored: World, now: Instant): World {
  return advance({ ...advance(stored, now), hand: 'previous', writes: stored.writes + 1 }, now)
}

/** Whoever changed the template puts back what helm has applied. */
export function restoreTemplate(stored: World, now: Instant): World {
  const world = advance(stored, now)
  const pods = world.pods.map((pod) => (pod.isForeign === true ? toldToGo(world, pod) : pod))
  return advance({ ...world, hand: undefined, pods, writes: world.writes + 1 }, now)
}
