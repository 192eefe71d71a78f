import { ClusterError } from './errors.ts'
import { conditionOf } from './readiness/judgement.ts'
import type { Observed } from './readiness/readiness.ts'
import type { Pod, StatefulSet } from './readiness/workload-types.ts'
import { resources } from './resources.ts'
import { selectorText } from './selector.ts'
import type { ClusterClient, RequestOptions } from './types.ts'

/** One pod, never another one of the same name. */
export type PodRef = { readonly name: string; readonly uid: string }

const REVISION = 'controller-revision-hash'

/**
 * Pods of an abandoned revision that are not ready and that the controller will never replace: with `OrderedReady` it
 * waits for such a pod before it does anything else (DESIGN.md, "Rollback of a StatefulSet"). Highest ordinal first. Pure.
 * With `OnDelete` pods are replaced by the operator only, and with `Parallel` the controller does it by itself.
 */
export function stuckPods(set: StatefulSet, pods: readonly Pod[]): readonly PodRef[] {
  if (!isOrdered(set)) return []
  return pods
    .filter((pod) => isOwnedBy(pod, set) && isAbandoned(pod, set) && !isReady(pod))
    .sort((one, other) => ordinalOf(other) - ordinalOf(one))
    .map(({ metadata }) => ({ name: metadata.name, uid: metadata.uid ?? '' }))
}

/** The stuck pods of a release's StatefulSets. Throws `ClusterError`. */
export async function readStuckPods(
  client: ClusterClient,
  observed: readonly Observed[],
  options: RequestOptions = {},
): Promise<readonly PodRef[]> {
  const found: PodRef[] = []
  for (const { wanted, live } of observed) {
    const set: StatefulSet | null = wanted.kind === 'StatefulSet' ? live : null
    const labelSelector = selectorText(set?.spec?.selector)
    if (set === null || !mayBeStuck(set) || labelSelector === null) continue
    const within = { namespace: set.metadata.namespace ?? '', labelSelector }
    found.push(...stuckPods(set, (await client.list<Pod>(resources.pods, within, options)).items))
  }
  return found
}

/** Deletes these very pods. One that is gone, or has been replaced, is fine. Throws `ClusterError`. */
export async function removePods(
  client: ClusterClient,
  namespace: string,
  pods: readonly PodRef[],
  options: RequestOptions = {},
): Promise<void> {
  for (const { name, uid } of pods) {
    await client
      .delete(resources.pods, { namespace, name }, { ...options, preconditions: { uid } })
      .catch(ignoreConflict)
  }
}

function mayBeStuck(set: StatefulSet): boolean {
  const { spec = {}, status = {} } = set
  return isOrdered(set) && (status.updatedReplicas ?? 0) < (spec.replicas ?? 1) - partitionOf(set)
}

function isOrdered({ spec = {} }: StatefulSet): boolean {
  return (spec.podManagementPolicy ?? 'OrderedReady') === 'OrderedReady' && spec.updateStrategy?.type !== 'OnDelete'
}

/** Of neither revision that the set still wants: below the partition the current one counts too. */
function isAbandoned(pod: Pod, set: StatefulSet): boolean {
  const { metadata } = pod
  const { currentRevision, updateRevision, observedGeneration = 0 } = set.status ?? {}
  const hash = metadata.labels?.[REVISION]
  const decided = observedGeneration >= (set.metadata.generation ?? 0) && updateRevision !== undefined
  if (!decided || hash === undefined || hash === updateRevision || metadata.deletionTimestamp !== undefined)
    return false
  return ordinalOf(pod) >= partitionOf(set) || hash !== currentRevision
}

function isOwnedBy({ metadata }: Pod, set: StatefulSet): boolean {
  return (
    metadata.ownerReferences?.some(({ uid, controller }) => controller === true && uid === set.metadata.uid) === true
  )
}

function isReady({ status }: Pod): boolean {
  return conditionOf(status?.conditions, 'Ready')?.status === 'True'
}

const partitionOf = ({ spec }: StatefulSet): number => spec?.updateStrategy?.rollingUpdate?.partition ?? 0
const ordinalOf = ({ metadata }: Pod): number => Number(metadata.name.slice(metadata.name.lastIndexOf('-') + 1))

function ignoreConflict(error: unknown): void {
  if (!(error instanceof ClusterError && error.isConflict)) throw error
}
