import type { KeptReplicas } from '../../infra/helm/index.ts'
import type { FrozenRelease } from '../../releases/index.ts'
import { type FleetParts, gateKinds } from './fleet/context.ts'
import { within } from './gate/json.ts'
import type { Workload } from './gate/model.ts'

/** The workloads of a frozen release that another hand than helm has scaled. Throws `ClusterError`. */
export async function readScaled(
  parts: FleetParts,
  { id, clusterId, namespace }: FrozenRelease,
): Promise<readonly KeptReplicas[]> {
  const rows = await parts.gates.ofRelease(parts.db, id)
  const client = parts.clientOf(clusterId)
  const found = rows.map(async ({ kind, name }): Promise<readonly KeptReplicas[]> => {
    const { resource } = gateKinds[kind]
    const replicas = scaledTo(await client.find<Workload>(resource, { namespace, name }))
    return replicas === null ? [] : [{ workload: name, resource: resource.plural, replicas }]
  })
  return (await Promise.all(found)).flat()
}

/** How many instances another hand wants, an autoscaler too; null where it is helm's word, or nobody's. Pure. */
export function scaledTo(live: Workload | null): number | null {
  const replicas = live?.spec?.replicas
  const owners =
    live?.metadata.managedFields?.filter(({ fieldsV1 }) => 'f:replicas' in within(fieldsV1, 'f:spec')) ?? []
  const isScaled = owners.some(({ manager }) => manager !== 'helm')
  return isScaled && typeof replicas === 'number' ? replicas : null
}
