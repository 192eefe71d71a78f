import type { KeptReplicas } from '../../infra/helm/index.ts'
import type { FrozenRelease } from '../../releases/index.ts'
import type { FleetParts } from './fleet/context.ts'
import { heldWorkloads } from './frozen-fleet.ts'
import { within } from './gate/json.ts'
import type { Workload } from './gate/model.ts'

/** The workloads of a frozen release that another hand than helm has scaled. Throws `ClusterError`. */
export async function readScaled(parts: FleetParts, release: FrozenRelease): Promise<readonly KeptReplicas[]> {
  const found = await heldWorkloads(parts, release)
  return found.flatMap(({ name, kind, live }) => {
    const replicas = scaledTo(live)
    return replicas === null ? [] : { workload: name, resource: kind.resource.plural, replicas }
  })
}

/** How many instances another hand wants, an autoscaler too; null where it is helm's word, or nobody's. Pure. */
export function scaledTo(live: Workload | null): number | null {
  const replicas = live?.spec?.replicas
  const owners =
    live?.metadata.managedFields?.filter(({ fieldsV1 }) => 'f:replicas' in within(fieldsV1, 'f:spec')) ?? []
  const isScaled = owners.some(({ manager }) => manager !== 'helm')
  return isScaled && typeof replicas === 'number' ? replicas : null
}
