import { types } from '../../resources/table.ts'
import type { Change, KubeObject } from '../../store/types.ts'
import type { Write } from '../decision.ts'
import type { Pod, Service } from '../model.ts'
import { type Controller, itsController, itself, type Place, placeOf } from '../runtime/controller.ts'
import type { View } from '../runtime/view.ts'
import { selects } from '../selector.ts'
import { decideService } from './decide.ts'

/** Endpoints and EndpointSlices of Services. */
export const serviceController: Controller = {
  name: 'endpointslice-controller',

  concerns: (change, view) => [
    ...itself(change, types.services),
    ...(change.type === types.endpointslices && change.verb === 'DELETED' ? itsController(change, 'Service') : []),
    ...(change.type === types.pods ? senders(change, view) : []),
  ],

  decide({ namespace, name }, { store }) {
    const service = store.get(types.services, namespace, name) as Service | undefined
    if (service === undefined) return { writes: leftover(store.get(types.endpoints, namespace, name)) }
    const owned = store.dependents(service.metadata.uid).filter(({ type }) => type === types.endpointslices)
    const pods = store.list(types.pods, namespace) as readonly Pod[]
    return decideService({
      service,
      pods: pods.filter(({ metadata }) => isSelected(service, metadata.labels)),
      endpoints: store.get(types.endpoints, namespace, name),
      slices: owned.map(({ object }) => object),
    })
  },
}

/** The Endpoints of a Service that is gone go too, unless somebody made them by hand. */
function leftover(endpoints: KubeObject | undefined): readonly Write[] {
  const managed = endpoints?.metadata.labels?.['endpoints.kubernetes.io/managed-by'] !== undefined
  return endpoints !== undefined && managed ? [{ kind: 'delete', type: types.endpoints, object: endpoints }] : []
}

function isSelected({ spec }: Service, labels: KubeObject['metadata']['labels']): boolean {
  return Object.keys(spec.selector ?? {}).length > 0 && selects({ matchLabels: spec.selector ?? {} }, labels)
}

/** The Services that send to a pod, or did before it changed. */
function senders({ object, old }: Change, { store }: View): readonly Place[] {
  const all = store.list(types.services, object.metadata.namespace) as readonly Service[]
  const versions = old === undefined ? [object] : [object, old]
  return all.filter((service) => versions.some(({ metadata }) => isSelected(service, metadata.labels))).map(placeOf)
}
