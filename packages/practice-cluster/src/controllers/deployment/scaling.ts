import { millis } from '../decision.ts'
import type { Deployment, ReplicaSet } from '../model.ts'
import { isRecreate, limitsOf, replicasOf } from './limits.ts'
import { availableOf, byAge, notedDesired, notedMaximum, type Sets, sizeOf, total } from './replica-sets.ts'
import type { Sizes } from './rolling.ts'

/** Whether `spec.replicas` has changed since the ReplicaSets got their sizes. */
export function wasScaled(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  const replicas = replicasOf(deployment)
  return sets.some((set) => sizeOf(set) > 0 && notedDesired(set) !== undefined && notedDesired(set) !== replicas)
}

/**
 * The sizes after a change of `spec.replicas`, or of the surge under pause. In the middle of a rollout the difference
 * is shared by the sets in proportion to their sizes, and the largest takes what rounding leaves.
 */
export function spread(deployment: Deployment, { current, old }: Sets): Sizes {
  const only = onlyActive(current, old)
  const replicas = replicasOf(deployment)
  if (only !== undefined) return new Map([[only.metadata.uid, replicas]])
  if (current !== undefined && isSaturated(deployment, current)) {
    return new Map(old.filter((set) => sizeOf(set) > 0).map((set) => [set.metadata.uid, 0]))
  }
  return isRecreate(deployment) ? new Map() : inProportion(deployment, current === undefined ? old : [...old, current])
}

function onlyActive(current: ReplicaSet | undefined, old: readonly ReplicaSet[]): ReplicaSet | undefined {
  const all = current === undefined ? old : [...old, current]
  const active = all.filter((set) => sizeOf(set) > 0)
  if (active.length > 1) return undefined
  return active[0] ?? current ?? byAge(old).at(-1)
}

function isSaturated(deployment: Deployment, set: ReplicaSet): boolean {
  const replicas = replicasOf(deployment)
  return notedDesired(set) === replicas && sizeOf(set) === replicas && availableOf(set) === replicas
}

function inProportion(deployment: Deployment, all: readonly ReplicaSet[]): Sizes {
  const active = all.filter((set) => sizeOf(set) > 0)
  const replicas = replicasOf(deployment)
  const allowed = replicas > 0 ? replicas + limitsOf(deployment).surge : 0
  const toAdd = allowed - total(active, sizeOf)
  const sorted = [...active].sort((a, b) => sizeOf(b) - sizeOf(a) || age(a, b) * (toAdd > 0 ? -1 : 1))
  const sizes = new Map<string, number>()
  let added = 0
  for (const set of sorted) {
    const share = shareOf(deployment, set, toAdd, added)
    sizes.set(set.metadata.uid, sizeOf(set) + share)
    added += share
  }
  const largest = sorted[0]
  if (largest === undefined || toAdd === 0) return sizes
  const size = sizes.get(largest.metadata.uid) ?? 0
  return sizes.set(largest.metadata.uid, Math.max(0, size + toAdd - added))
}

const age = (a: ReplicaSet, b: ReplicaSet): number =>
  millis(a.metadata.creationTimestamp) - millis(b.metadata.creationTimestamp)

function shareOf(deployment: Deployment, set: ReplicaSet, toAdd: number, added: number): number {
  if (toAdd === 0 || toAdd === added) return 0
  const fraction = fractionOf(deployment, set)
  return toAdd > 0 ? Math.min(fraction, toAdd - added) : Math.max(fraction, toAdd - added)
}

function fractionOf(deployment: Deployment, set: ReplicaSet): number {
  const replicas = replicasOf(deployment)
  if (replicas === 0) return -sizeOf(set)
  const before = notedMaximum(set) || (deployment.status?.replicas ?? 0)
  if (before === 0) return 0
  return Math.round((sizeOf(set) * (replicas + limitsOf(deployment).surge)) / before) - sizeOf(set)
}
