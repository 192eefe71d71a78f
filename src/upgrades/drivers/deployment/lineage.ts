import type { JsonObject } from '../../../core/json.ts'
import { type ClusterClient, type KubeObject, resources, selectorText } from '../../../infra/kubernetes/index.ts'
import { equivalentJson, omit, within } from '../gate/json.ts'
import type { Lineage, Workload } from '../gate/model.ts'

const HASH = 'pod-template-hash'
export type ReplicaSet = KubeObject & { readonly spec?: JsonObject; readonly status?: JsonObject }

/** The ReplicaSets of a Deployment own its pods; the one of its present template names the hash. Throws `ClusterError`. */
export async function lineageOf(client: ClusterClient, live: Workload): Promise<Lineage> {
  const owned = await readReplicaSets(client, live)
  const current = currentSet(live, owned)?.metadata.labels?.[HASH] ?? null
  return { owners: new Set(owned.map(({ metadata }) => metadata.uid ?? '')), current }
}

/** The ReplicaSets of a Deployment. Throws `ClusterError`. */
export async function readReplicaSets(client: ClusterClient, live: Workload): Promise<readonly ReplicaSet[]> {
  const { namespace = '', uid } = live.metadata
  const labelSelector = selectorText(within(live.spec, 'selector'))
  if (labelSelector === null) return []
  const { items } = await client.list<ReplicaSet>(resources.replicaSets, { namespace, labelSelector })
  return items.filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid) === true)
}

/** The ReplicaSet of a Deployment's present template; of several the oldest, as for the controller. Pure. */
export function currentSet({ spec }: Workload, sets: readonly ReplicaSet[]): ReplicaSet | null {
  const wanted = within(spec, 'template')
  const same = sets.filter((set) => equivalentJson(withoutHash(within(set.spec, 'template')), wanted))
  const [oldest] = same.toSorted((one, other) => ageOf(one).localeCompare(ageOf(other)))
  return oldest ?? null
}

/** The one whose pods carry this hash; null when it is not there. Pure. */
export function setOfHash(sets: readonly ReplicaSet[], hash: string): ReplicaSet | null {
  return sets.find(({ metadata }) => metadata.labels?.[HASH] === hash) ?? null
}

function withoutHash(template: JsonObject): JsonObject {
  const metadata = within(template, 'metadata')
  return { ...template, metadata: { ...metadata, labels: omit(within(metadata, 'labels'), HASH) } }
}

const ageOf = ({ metadata }: KubeObject): string => `${metadata.creationTimestamp ?? ''} ${metadata.name}`
