import { type ClusterClient, type KubeObject, mapParallel, resources } from '../../../infra/kubernetes/index.ts'
import type { FleetSight, Member, Side } from '../../core/model.ts'
import { isOwner } from '../gate/ownership.ts'
import { type Sides, sideOf } from '../gate/position.ts'
import { hashOf, type Labels, selectingServices } from './select.ts'

export type EndpointSlice = KubeObject & {
  readonly endpoints?: readonly {
    readonly conditions?: { readonly ready?: boolean }
    readonly targetRef?: { readonly uid?: string }
  }[]
}
type Pin = Extract<FleetSight, { kind: 'present' }>['pin']

const AT_ONCE = 4

/** What the pin of a fleet is read from: the labels that its pods have, and which of them are on which side. */
export type Pinnable = {
  readonly labels: readonly Labels[]
  readonly sides: Sides
  readonly members: readonly Member[]
}

/**
 * What the Services that select the pods now say, with the endpoints that they really have: one that was deleted, or
 * points elsewhere by another hand, has no say, and one that was made since has. Null when nothing is pinned. Throws
 * `ClusterError`.
 */
export async function readPin(
  client: ClusterClient,
  namespace: string,
  { labels, sides, members }: Pinnable,
): Promise<Pin> {
  const services = await selectingServices(client, namespace, labels)
  const seen = await mapParallel(services, AT_ONCE, async (service) => {
    const hash = hashOf(service)
    return {
      hash,
      isOurs: isOwner(service),
      slices: hash === null ? [] : await readSlices(client, namespace, service.metadata.name),
    }
  })
  return pinOf(seen, sides, members)
}

async function readSlices(client: ClusterClient, namespace: string, name: string): Promise<readonly EndpointSlice[]> {
  const labelSelector = `kubernetes.io/service-name=${name}`
  return (await client.list<EndpointSlice>(resources.endpointSlices, { namespace, labelSelector })).items
}

/** `isOurs`: a field of it is, also one that was taken away and not given back yet. */
export type SeenService = {
  readonly hash: string | null
  readonly isOurs?: boolean
  readonly slices: readonly EndpointSlice[]
}

/** Services that are pinned to different sides are on neither. The one with the fewest endpoints counts. Pure. */
export function pinOf(seen: readonly SeenService[], sides: Sides, members: readonly Member[]): Pin {
  const pins = seen.filter(({ hash, isOurs = false }) => hash !== null || isOurs)
  if (pins.length === 0) return null
  const all = new Set(pins.map(({ hash }) => sideOf(hash ?? undefined, sides)))
  const [only] = all
  const to: Side = all.size === 1 && pins.length === seen.length && only !== undefined ? only : 'other'
  const ready = new Set(members.filter((each) => each.ready && each.side === to).map(({ pod }) => pod.uid))
  return { to, endpoints: Math.min(...pins.map(({ slices }) => endpointsOf(slices, ready))) }
}

/** Endpoints that are ready and whose pod is; one without the condition is ready. */
function endpointsOf(slices: readonly EndpointSlice[], ready: ReadonlySet<string>): number {
  const all = slices.flatMap(({ endpoints }) => endpoints ?? [])
  const serving = all.filter(({ conditions }) => conditions?.ready !== false).map(({ targetRef }) => targetRef?.uid)
  return new Set(serving.filter((uid) => uid !== undefined && ready.has(uid))).size
}
