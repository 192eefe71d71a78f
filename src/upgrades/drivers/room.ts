import type { JsonObject } from '../../core/json.ts'
import { type ClusterClient, ClusterError, type KubeObject, resources } from '../../infra/kubernetes/index.ts'
import { demandOf } from './readers/demand.ts'
import { type Node, nodeRooms, type PlacedPod } from './readers/nodes.ts'
import { type Quota, type QuotaRoom, quotaRooms } from './readers/quotas.ts'

/** How many more pods of the target fit, for the check of resources. */
export type Room = {
  /** Pods that fit beside those that run; 0: none. */
  readonly pods: number
  readonly evidence: RoomEvidence
}
export type RoomEvidence = {
  readonly quotas: readonly QuotaRoom[]
  /** Pods that the nodes take together; null where Flotilla may not read them. */
  readonly nodes: { readonly usable: number; readonly pods: number } | null
}

/** More than this is never asked for. */
const MOST = 10_000

/**
 * Reads how many more pods of a pod spec fit into the quotas of a namespace and onto the nodes. Nodes that may not be
 * read limit nothing. Throws `ClusterError`.
 */
export async function readRoom(client: ClusterClient, namespace: string, pod: JsonObject): Promise<Room> {
  const [quotas, nodes] = await Promise.all([
    client.list<Quota>(resources.resourceQuotas, { namespace }),
    readNodes(client),
  ])
  return roomOf(quotas.items, nodes, pod)
}

type ReadNodes = { readonly nodes: readonly Node[]; readonly pods: readonly PlacedPod[] }

async function readNodes(client: ClusterClient): Promise<ReadNodes | null> {
  try {
    const [nodes, pods] = await Promise.all([
      client.list<Node>(resources.nodes, {}),
      client.list<PlacedPod & KubeObject>(resources.pods, { fieldSelector: 'spec.nodeName!=' }),
    ])
    return { nodes: nodes.items, pods: pods.items }
  } catch (error) {
    if (error instanceof ClusterError && error.isForbidden) return null
    throw error
  }
}

/** The room from what was read. Pure. */
export function roomOf(quotas: readonly Quota[], read: ReadNodes | null, pod: JsonObject): Room {
  const inQuotas = quotaRooms(quotas, demandOf(pod))
  const onNodes = read === null ? null : nodeRooms(read.nodes, read.pods, pod)
  const onAll = onNodes?.reduce((sum, { pods }) => sum + pods, 0)
  const pods = Math.min(MOST, onAll ?? MOST, ...inQuotas.map((each) => each.pods))
  const nodes = onNodes === null ? null : { usable: onNodes.length, pods: onAll ?? 0 }
  return { pods, evidence: { quotas: inQuotas, nodes } }
}
