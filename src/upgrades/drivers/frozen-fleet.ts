import type { FrozenRelease } from '../../releases/index.ts'
import type { GateRow } from '../store/gate-row.ts'
import { type Fleet, type FleetParts, gateKinds } from './fleet/context.ts'
import { presentHashes, readPods, servingHashes } from './fleet/members.ts'
import type { Workload } from './gate/model.ts'

/** The fleet of a row: what is left of the execution that held it. */
export function fleetOfRow(
  parts: FleetParts,
  { id, clusterId, namespace }: FrozenRelease,
  { kind, name }: GateRow,
): Fleet {
  const client = parts.clientOf(clusterId)
  return {
    clusterId,
    namespace,
    newestChartVersion: null,
    releaseId: id,
    client,
    workload: { kind, name },
    kind: gateKinds[kind],
  }
}

/** What the cluster has of each workload that rows of a release are about; `live` is null where it is gone. Throws `ClusterError`. */
export async function heldWorkloads(parts: FleetParts, { id, clusterId, namespace }: FrozenRelease) {
  const rows = await parts.gates.ofRelease(parts.db, id)
  const client = parts.clientOf(clusterId)
  return Promise.all(
    rows.map(async (row) => {
      const { name } = row
      const kind = gateKinds[row.kind]
      return { row, name, kind, live: await client.find<Workload>(kind.resource, { namespace, name }) }
    }),
  )
}

/** The hash of the present template, and those of all pods that may take traffic; null without the workload. */
export async function readPresent({ client, kind, namespace, workload }: Fleet) {
  const live = await client.find<Workload>(kind.resource, { namespace, name: workload.name })
  if (live === null) return null
  const lineage = await kind.lineage(client, live)
  const pods = await readPods(client, live, lineage)
  return { current: lineage.current, serving: servingHashes(kind, pods), all: presentHashes(kind, pods) }
}
