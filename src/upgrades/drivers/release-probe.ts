import { type ClusterClient, isReady, mapParallel, resources, selectorText } from '../../infra/kubernetes/index.ts'
import type { FleetRelease } from '../../releases/index.ts'
import type { Execution } from '../core/model.ts'
import { type FleetPod, refOf } from './fleet/members.ts'
import { readProbes } from './fleet/probes.ts'
import { within } from './gate/json.ts'
import { objectsOf, workloadsOf } from './rendered.ts'

const AT_ONCE = 4

/**
 * Whether the ready pods of a release all answer at the component's health endpoint; bad where there are none, null where
 * the API server could not ask all of them and nobody answered badly. They are
 * those that the workloads of its manifest select: no chart has to set the labels that Kubernetes merely recommends. Only
 * where a chart leaves its pods to an operator are they found by the one that names the release. Throws `ClusterError`.
 */
export async function probeRelease(
  client: ClusterClient,
  { healthEndpoint }: Execution,
  { namespace, name }: FleetRelease,
  manifest: string,
): Promise<'good' | 'bad' | null> {
  const pods = await podsOf(client, namespace, selectorsOf(manifest, name))
  const ready = pods.filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined)
  const members = ready.map((pod) => ({
    ...({ pod: refOf(pod), key: null, side: 'other', ready: true, terminating: false, problem: null } as const),
  }))
  const answers = Object.values(await readProbes(client, namespace, healthEndpoint, members))
  if (members.length === 0 || answers.includes('bad')) return 'bad'
  return answers.length < members.length ? null : 'good'
}

function selectorsOf(manifest: string, release: string): readonly string[] {
  const workloads = workloadsOf(objectsOf(manifest))
  if (workloads.length === 0) return [`app.kubernetes.io/instance=${release}`]
  return [...new Set(workloads.flatMap(({ body }) => selectorText(within(body, 'spec', 'selector')) ?? []))]
}

/** Each once, however many selectors take it. */
async function podsOf(
  client: ClusterClient,
  namespace: string,
  selectors: readonly string[],
): Promise<readonly FleetPod[]> {
  const lists = await mapParallel(selectors, AT_ONCE, (labelSelector) =>
    client.list<FleetPod>(resources.pods, { namespace, labelSelector }),
  )
  return [...new Map(lists.flatMap(({ items }) => items).map((pod) => [pod.metadata.uid, pod])).values()]
}
