import { type ClusterClient, resources } from '../../infra/kubernetes/index.ts'
import type { FleetRelease } from '../../releases/index.ts'
import type { Execution } from '../core/model.ts'
import { type FleetPod, isReady, refOf } from './fleet/members.ts'
import { readProbes } from './fleet/probes.ts'

/**
 * Whether the ready pods of a release all answer at the component's health endpoint; false where there are none. They are
 * found by the label that names the release, which Kubernetes recommends for charts. Throws `ClusterError`.
 */
export async function probeRelease(
  client: ClusterClient,
  { healthEndpoint }: Execution,
  { namespace, name }: FleetRelease,
): Promise<boolean> {
  const labelSelector = `app.kubernetes.io/instance=${name}`
  const { items } = await client.list<FleetPod>(resources.pods, { namespace, labelSelector })
  const ready = items.filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined)
  const members = ready.map((pod) => ({
    ...({ pod: refOf(pod), key: null, side: 'other', ready: true, terminating: false, problem: null } as const),
  }))
  const answers = Object.values(await readProbes(client, namespace, healthEndpoint, members))
  return answers.length > 0 && answers.every((answer) => answer === 'good')
}
