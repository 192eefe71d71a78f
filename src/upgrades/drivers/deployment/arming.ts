import type { ClusterClient } from '../../../infra/kubernetes/index.ts'
import { numberOr } from '../gate/json.ts'
import type { Workload } from '../gate/model.ts'
import { isArmed } from './fields.ts'
import { currentSet, type ReplicaSet, readReplicaSets } from './lineage.ts'

/**
 * Whether a gate may be opened now. Pods of the present template that are there already (a frozen fleet goes back to a
 * version that still runs) count as available until their ReplicaSet has taken the new limit over. A controller that
 * counts them so would let as many pods too many go: tried, two of four were ready where three are promised.
 */
export type Arming = 'not-needed' | 'needed' | 'done'

/** Throws `ClusterError`. */
export async function readArming(client: ClusterClient, live: Workload): Promise<Arming> {
  return armingOf(live, currentSet(live, await readReplicaSets(client, live)))
}

/** Pure. */
export function armingOf(live: Workload, set: ReplicaSet | null): Arming {
  const { replicas, availableReplicas, observedGeneration } = set?.status ?? {}
  const pods = Math.max(numberOr(set?.spec?.replicas, 0), numberOr(replicas, 0))
  if (set === null || pods === 0) return 'not-needed'
  const seen = numberOr(observedGeneration, 0) >= (set.metadata.generation ?? 0)
  const counted = isArmed(set) && seen && numberOr(availableReplicas, 0) === 0
  return isArmed(live) && counted ? 'done' : 'needed'
}

/** True for a ReplicaSet whose ready pods count as never available, or did when the controller last looked. Pure. */
export function isUncounted(set: ReplicaSet): boolean {
  const { availableReplicas, readyReplicas, observedGeneration } = set.status ?? {}
  const seen = numberOr(observedGeneration, 0) >= (set.metadata.generation ?? 0)
  return isArmed(set) || !seen || numberOr(availableReplicas, 0) < numberOr(readyReplicas, 0)
}
