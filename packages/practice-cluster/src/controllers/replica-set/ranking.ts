import { millis } from '../decision.ts'
import type { Pod } from '../model.ts'
import { isReady, readySince } from '../pod-state.ts'

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost'

type Ranked = { readonly pod: Pod; readonly sameNode: number }

/** Each key compares two pods: below 0, the first goes first. The order is that of kube-controller-manager. */
const keys: readonly ((a: Ranked, b: Ranked) => number)[] = [
  (a, b) => Number(isAssigned(a.pod)) - Number(isAssigned(b.pod)),
  (a, b) => phaseRank(a.pod) - phaseRank(b.pod),
  (a, b) => Number(isReady(a.pod)) - Number(isReady(b.pod)),
  (a, b) => deletionCost(a.pod) - deletionCost(b.pod),
  (a, b) => b.sameNode - a.sameNode,
  (a, b) => (isReady(a.pod) && isReady(b.pod) ? readySince(b.pod) - readySince(a.pod) : 0),
  (a, b) => restarts(b.pod) - restarts(a.pod),
  (a, b) => millis(b.pod.metadata.creationTimestamp) - millis(a.pod.metadata.creationTimestamp),
]

/**
 * The pods in the order in which a scale-down takes them. `related` are all active pods of the same Deployment: a node
 * that holds more of them loses one first.
 */
export function byDeletionOrder(pods: readonly Pod[], related: readonly Pod[]): readonly Pod[] {
  const perNode = new Map<string, number>()
  for (const { spec } of related) perNode.set(spec.nodeName ?? '', (perNode.get(spec.nodeName ?? '') ?? 0) + 1)
  const ranked = pods.map((pod) => ({ pod, sameNode: perNode.get(pod.spec.nodeName ?? '') ?? 0 }))
  return ranked.sort(compare).map(({ pod }) => pod)
}

function compare(a: Ranked, b: Ranked): number {
  for (const key of keys) {
    const order = key(a, b)
    if (order !== 0) return order
  }
  return 0
}

const isAssigned = (pod: Pod): boolean => (pod.spec.nodeName ?? '') !== ''

const phaseRank = (pod: Pod): number => ({ Pending: 0, Unknown: 1, Running: 2 })[pod.status?.phase ?? 'Pending'] ?? 0

const deletionCost = (pod: Pod): number => Number(pod.metadata.annotations?.[DELETION_COST] ?? 0) || 0

const restarts = (pod: Pod): number =>
  Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount))
