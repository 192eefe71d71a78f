import { type ClusterClient, type KubeObject, mapParallel, resources } from '../../../infra/kubernetes/index.ts'
import type { FleetSight, Member, Side } from '../../core/model.ts'
import type { PinnedService } from '../gate/model.ts'
import { type Sides, sideOf } from '../gate/position.ts'
import { hashOf, type Service } from './select.ts'

export type EndpointSlice = KubeObject & {
  readonly endpoints?: readonly {
    readonly conditions?: { readonly ready?: boolean }
    readonly targetRef?: { readonly uid?: string }
  }[]
}
type Pin = Extract<FleetSight, { kind: 'present' }>['pin']

const AT_ONCE = 4

/** What the Services that we have pinned say, with the endpoints that they really have. Throws `ClusterError`. */
export async function readPin(
  client: ClusterClient,
  namespace: string,
  pinned: readonly PinnedService[],
  sides: Sides,
  members: readonly Member[],
): Promise<Pin> {
  const seen = await mapParallel(pinned, AT_ONCE, async ({ name, uid }) => {
    const service = await client.find<Service>(resources.services, { namespace, name })
    const hash = service === null || service.metadata.uid !== uid ? null : hashOf(service)
    return { hash, slices: hash === null ? [] : await readSlices(client, namespace, name) }
  })
  return pinOf(seen, sides, members)
}

async function readSlices(client: ClusterClient, namespace: string, name: string): Promise<readonly EndpointSlice[]> {
  const labelSelector = `kubernetes.io/service-name=${name}`
  return (await client.list<EndpointSlice>(resources.endpointSlices, { namespace, labelSelector })).items
}

export type SeenService = { readonly hash: string | null; readonly slices: readonly EndpointSlice[] }

/** Services that are pinned to different sides are on neither. The one with the fewest endpoints counts. Pure. */
export function pinOf(seen: readonly SeenService[], sides: Sides, members: readonly Member[]): Pin {
  const pins = seen.filter(({ hash }) => hash !== null)
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
