import type { KeptFields } from '../../infra/helm/index.ts'
import type { FrozenRelease } from '../../releases/index.ts'
import { type FleetParts, gateKinds } from './fleet/context.ts'
import { renderedName } from './gate/annotation.ts'
import type { Workload } from './gate/model.ts'

/**
 * The fields by which workloads of a release are held after some of their pods have been let go: written over by helm,
 * they would let the controller remove pods (docs/adr/0037). Throws `ClusterError`.
 */
export async function readHeldFields(
  parts: FleetParts,
  { id, clusterId, namespace }: FrozenRelease,
): Promise<readonly KeptFields[]> {
  const rows = await parts.gates.ofRelease(parts.db, id)
  const client = parts.clientOf(clusterId)
  const found = rows.map(async ({ kind: name, ...row }): Promise<readonly KeptFields[]> => {
    const kind = gateKinds[name]
    const live = await client.find<Workload>(kind.resource, { namespace, name: row.name })
    const fields = live === null ? null : kind.held(live)
    return fields === null ? [] : [{ workload: row.name, resource: kind.resource.plural, fields, note: renderedName }]
  })
  return (await Promise.all(found)).flat()
}
