import type { Execution, Instance, InstanceStatus, PodRef } from './model.ts'

/** True for an instance that was chosen and has not come to an end. */
export function isInFlight({ status }: Instance): boolean {
  return status === 'DRAINING' || status === 'UPGRADING' || status === 'HEALTH_CHECKING'
}

/** True for an instance that was let go: it is or will be on the target version. One that FAILED before it left is not. */
export function isAdmitted(instance: Instance): boolean {
  const { status } = instance
  if (status === 'FAILED') return instance.surge || targetPod(instance) !== null || instance.pod === null
  return status !== 'PENDING' && status !== 'DRAINING' && status !== 'ROLLED_BACK'
}

/** The pod of the target version that runs in the place, beside an old one or alone. */
export function targetPod(instance: Instance): PodRef | null {
  return instance.nextPod ?? (instance.side === 'target' ? instance.pod : null)
}

/** The pod that is not of the target version. */
export function oldPod(instance: Instance): PodRef | null {
  return instance.side === 'target' ? null : instance.pod
}

/** True for one in flight whose new pod is there. */
export function isForward(instance: Instance): boolean {
  return isInFlight(instance) && targetPod(instance) !== null
}

/** True where a new pod stands beside an old one. */
export function isPair({ pod, nextPod }: Instance): boolean {
  return pod !== null && nextPod !== null
}

/** True while the old pod of an instance that was let go is still there, or a new one runs beside it. */
export function occupiesRoom(instance: Instance): boolean {
  return (isAdmitted(instance) && (instance.surge || hasLeavingPod(instance))) || instance.nextPod !== null
}

/** True while a former pod of the place is on its way out. */
export function hasLeavingPod({ leaving = null }: Instance): boolean {
  return leaving !== null
}

/** True when nothing but the target version runs in the place. */
export function isOnTarget(instance: Instance): boolean {
  return instance.side === 'target' && instance.nextPod === null
}

/** True when nothing but the previous version runs in the place, and it is ready. */
export function isBack(instance: Instance): boolean {
  return instance.side === 'previous' && instance.nextPod === null && instance.ready && !hasLeavingPod(instance)
}

/** True where it is known which version runs in the place: something does, and its side or itself tells. */
export function hasKnownVersion({ side, version, nextPod }: Instance): boolean {
  return nextPod !== null || version !== null || side === 'previous' || side === 'target'
}

/** The instances of one status, in their order. */
export function withStatus(instances: readonly Instance[], status: InstanceStatus): readonly Instance[] {
  return instances.filter((instance) => instance.status === status)
}

export type Tally = Readonly<Record<InstanceStatus, number>>

/** How many instances there are of each status. */
export function tally(instances: readonly Instance[]): Tally {
  const counts = { PENDING: 0, DRAINING: 0, UPGRADING: 0, HEALTH_CHECKING: 0, COMPLETED: 0, FAILED: 0, ROLLED_BACK: 0 }
  for (const { status } of instances) counts[status] += 1
  return counts
}

/** How many were chosen and have not come to an end. */
export function inFlight(counts: Tally): number {
  return counts.DRAINING + counts.UPGRADING + counts.HEALTH_CHECKING
}

/**
 * How many instances are unavailable: not ready for any reason, or let go without a new one beside them.
 * What was let go counts as gone though its pod may still answer.
 */
export function unavailable(instances: readonly Instance[]): number {
  return instances.reduce((count, instance) => count + (isAvailable(instance) ? 0 : 1), 0)
}

export function isAvailable(instance: Instance): boolean {
  if (!instance.ready) return false
  return instance.status !== 'UPGRADING' || instance.surge || targetPod(instance) !== null
}

/** What was chosen and not let go goes back to waiting for its turn. */
export function backToPending(instance: Instance): Instance {
  return instance.status === 'DRAINING' ? untouched(instance) : instance
}

/** An instance that nothing was done to. */
export function untouched(instance: Instance): Instance {
  return { ...instance, status: 'PENDING', surge: false, message: null, startedAt: null, upAt: null, endedAt: null }
}

/** The places in the order in which an ordered fleet moves: the highest ordinal first. */
export function inOrder(execution: Execution, instances: readonly Instance[]): readonly Instance[] {
  if (!execution.capabilities.ordered) return instances
  return [...instances].sort((a, b) => ordinalOf(b) - ordinalOf(a))
}

function ordinalOf(instance: Instance): number {
  const digits = instance.key === null ? null : /(\d+)$/.exec(instance.key)
  return digits === null ? instance.index : Number(digits[1])
}
