import { type ClusterClient, readWhyNoPod, refusalIn } from '../../../infra/kubernetes/index.ts'
import { objectsIn } from '../gate/json.ts'
import type { GateKind, Workload } from '../gate/model.ts'

/**
 * Why the controller of a workload makes no pod that it wants (a quota, admission), in the words of the API server; null
 * where it makes them, or does not say. A Deployment tells it in its status. Others tell it in events only, which are read
 * while a pod is missing; where they cannot be, nothing is said.
 */
export async function readWhyNoPods(
  client: ClusterClient,
  kind: GateKind,
  live: Workload,
  present: number,
): Promise<string | null> {
  if (kind.kind === 'Deployment') return saidInStatus(live)
  return present >= kind.instances(live) ? null : readWhyNoPod(client, live)
}

/** What a Deployment has taken over from its ReplicaSets. Pure. */
export function saidInStatus({ status = {} }: Workload): string | null {
  return refusalIn(objectsIn(status.conditions))
}
