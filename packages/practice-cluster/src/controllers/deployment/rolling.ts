import type { Deployment } from '../model.ts'
import { limitsOf, replicasOf } from './limits.ts'
import { availableOf, byAge, type Sets, sizeOf, total } from './replica-sets.ts'

/** The sizes that change, by the uid of the ReplicaSet. */
export type Sizes = ReadonlyMap<string, number>

/** The size that the ReplicaSet of the present template may have now, `before` being what it has. */
export function nextSize(deployment: Deployment, allPods: number, before: number): number {
  const replicas = replicasOf(deployment)
  if (before >= replicas) return replicas
  const room = replicas + limitsOf(deployment).surge - allPods
  return before + Math.max(0, Math.min(room, replicas - before))
}

/**
 * How old ReplicaSets shrink in a rolling update: first their pods that are not available, oldest set first, then as
 * many available ones as `maxUnavailable` lets go. Pods of the new set that are not available yet count against it.
 */
export function shrinkOld(deployment: Deployment, { current, old }: Sets): Sizes {
  const sets = current === undefined ? old : [...old, current]
  const least = replicasOf(deployment) - limitsOf(deployment).unavailable
  const notYet = current === undefined ? 0 : sizeOf(current) - availableOf(current)
  const room = total(sets, sizeOf) - least - notYet
  if (total(old, sizeOf) === 0 || room <= 0) return new Map()
  const sizes = new Map<string, number>()
  takeUnavailable(old, room, sizes)
  takeAvailable(old, total(sets, availableOf) - least, sizes)
  return sizes
}

function takeUnavailable(old: Sets['old'], room: number, sizes: Map<string, number>): void {
  let left = room
  for (const set of byAge(old)) {
    const taken = Math.min(left, Math.max(0, sizeOf(set) - availableOf(set)))
    if (taken > 0) sizes.set(set.metadata.uid, sizeOf(set) - taken)
    left -= taken
  }
}

function takeAvailable(old: Sets['old'], room: number, sizes: Map<string, number>): void {
  let left = Math.max(0, room)
  for (const set of byAge(old)) {
    const size = sizes.get(set.metadata.uid) ?? sizeOf(set)
    const taken = Math.min(left, size)
    if (taken > 0) sizes.set(set.metadata.uid, size - taken)
    left -= taken
  }
}
