import type { JsonObject } from '../../../core/json.ts'
import { type ClusterClient, type KubeObject, resources, selectorText } from '../../../infra/kubernetes/index.ts'
import { numberOr, objectsIn, within } from '../gate/json.ts'
import type { Lineage, Workload } from '../gate/model.ts'

const HASH = 'controller-revision-hash'
type Revision = KubeObject & { readonly revision?: number }

/** A DaemonSet owns its pods itself; the newest of its revisions is that of its present template. Throws `ClusterError`. */
export async function lineageOf(client: ClusterClient, live: Workload): Promise<Lineage> {
  const { namespace = '', uid = '' } = live.metadata
  const owners = new Set([uid])
  const labelSelector = selectorText(within(live.spec, 'selector'))
  if (labelSelector === null) return { owners, current: null }
  const { items } = await client.list<Revision>(resources.controllerRevisions, { namespace, labelSelector })
  return { owners, current: currentHash(live, items) }
}

/** The hash of the pods that the present template makes; null until the controller has seen it. Pure. */
export function currentHash({ metadata, status = {} }: Workload, revisions: readonly Revision[]): string | null {
  if (numberOr(status.observedGeneration, 0) < (metadata.generation ?? 0)) return null
  const own = revisions.filter(
    (each) => each.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid) === true,
  )
  const [newest] = own.toSorted((one, other) => (other.revision ?? 0) - (one.revision ?? 0))
  if (newest === undefined) return null
  // A revision is named after its DaemonSet and its hash.
  return newest.metadata.labels?.[HASH] ?? newest.metadata.name.slice(metadata.name.length + 1)
}

/** The node of a pod; before it is scheduled, the one that its affinity asks for. */
export function nodeOf({ spec }: { readonly spec?: JsonObject }): string | null {
  if (typeof spec?.nodeName === 'string') return spec.nodeName
  const required = within(spec, 'affinity', 'nodeAffinity', 'requiredDuringSchedulingIgnoredDuringExecution')
  const [field] = objectsIn(required.nodeSelectorTerms).flatMap((term) => objectsIn(term.matchFields))
  const [name] = field?.key === 'metadata.name' && Array.isArray(field.values) ? field.values : []
  return typeof name === 'string' ? name : null
}
