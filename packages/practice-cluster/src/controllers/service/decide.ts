import { types } from '../../resources/table.ts'
import { jsonEqual } from '../../store/equal.ts'
import type { KubeInput, KubeObject, ResourceType } from '../../store/types.ts'
import { type Decision, NOTHING, type Write } from '../decision.ts'
import type { Pod, Service } from '../model.ts'
import { endpointsFor, slicesFor } from './endpoints.ts'

/** An address of the range for documentation: nothing can ever listen there. */
const LOAD_BALANCER_IP = '192.0.2.1'

export type ServiceSnapshot = {
  readonly service: Service
  /** The pods that its selector matches. */
  readonly pods: readonly Pod[]
  readonly endpoints: KubeObject | undefined
  /** The EndpointSlices that it owns. */
  readonly slices: readonly KubeObject[]
}

/** Keeps Endpoints and EndpointSlices equal to the ready pods of a Service that has a selector. */
export function decideService({ service, pods, endpoints, slices }: ServiceSnapshot): Decision {
  const { selector, type } = service.spec
  if (service.metadata.deletionTimestamp !== undefined || type === 'ExternalName') return NOTHING
  if (Object.keys(selector ?? {}).length === 0) return { writes: loadBalancer(service) }
  const wanted = slicesFor(service, pods)
  const names = new Set(wanted.map(({ metadata }) => metadata.name))
  return {
    writes: [
      ...loadBalancer(service),
      ...wanted.flatMap((input) =>
        brought(
          types.endpointslices,
          input,
          slices.find((each) => each.metadata.name === input.metadata.name),
        ),
      ),
      ...slices
        .filter(({ metadata }) => !names.has(metadata.name))
        .map((object): Write => ({ kind: 'delete', type: types.endpointslices, object })),
      ...brought(types.endpoints, endpointsFor(service, pods), endpoints),
    ],
  }
}

/** The write that makes a stored object what is wanted; none when it is. */
function brought(type: ResourceType, input: KubeInput, stored: KubeObject | undefined): readonly Write[] {
  if (stored === undefined) return [{ kind: 'create', type, input }]
  const { labels = {} } = input.metadata
  const next: KubeObject = { ...input, metadata: { ...stored.metadata, labels } }
  return jsonEqual(next, stored) ? [] : [{ kind: 'update', type, object: next }]
}

function loadBalancer(service: Service): readonly Write[] {
  const known = (service.status?.loadBalancer?.ingress ?? []).length > 0
  if (service.spec.type !== 'LoadBalancer' || known) return []
  const status = { loadBalancer: { ingress: [{ ip: LOAD_BALANCER_IP, ipMode: 'VIP' }] } }
  return [{ kind: 'status', type: types.services, object: { ...service, status } }]
}
