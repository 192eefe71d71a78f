import { mapParallel } from './parallel.ts'
import { hasEnded, isReady, problemOf } from './readiness/pod-problem.ts'
import { type Observed, unsettled } from './readiness/readiness.ts'
import type { LabelSelector, Pod } from './readiness/workload-types.ts'
import { resources } from './resources.ts'
import { selectorText } from './selector.ts'
import type { ClusterClient, KubeObject, ListOptions } from './types.ts'

/** Workloads whose pods are asked for. */
const MOST_WORKLOADS = 3

/**
 * Of workloads that are not ready, by `Kind name`, the newest pod that is not, and why: mostly it is of the version that is
 * waited for. One that has ended tells of a Job only, elsewhere its controller has made another. The first workloads only; where
 * pods cannot be listed, in time, nothing is told of them: it is more than what has to be known.
 */
export async function readPodProblems(
  client: ClusterClient,
  observed: readonly Observed[],
  options?: ListOptions,
): Promise<ReadonlyMap<string, string>> {
  const unready = unsettled(observed).filter(({ live }) => selectorOf(live) !== null)
  const told = await mapParallel(unready.slice(0, MOST_WORKLOADS), MOST_WORKLOADS, async ({ wanted, live }) => {
    const items = await podsOf(client, live, options)
    const pods = wanted.kind === 'Job' ? items : items.filter((pod) => !hasEnded(pod))
    return [`${wanted.kind} ${wanted.name}`, newestProblem(pods)] as const
  })
  return new Map(told.flatMap(([name, problem]) => (problem === null ? [] : [[name, problem] as const])))
}

/** The pods that a workload selects; none where they cannot be listed. */
export async function podsOf(
  client: ClusterClient,
  live: KubeObject | null,
  options?: ListOptions,
): Promise<readonly Pod[]> {
  const labelSelector = selectorOf(live)
  if (live === null || labelSelector === null) return []
  const within = { namespace: live.metadata.namespace ?? '', labelSelector }
  return (await client.list<Pod>(resources.pods, within, options).catch(() => ({ items: [] }))).items
}

/** Of the pods that are not ready and are not on their way out the newest, with its problem; null without one. Pure. */
export function newestProblem(pods: readonly Pod[]): string | null {
  const made = ({ metadata }: Pod): string => metadata.creationTimestamp ?? ''
  const [newest] = pods
    .filter((pod) => !isReady(pod) && pod.status?.phase !== 'Succeeded' && pod.metadata.deletionTimestamp === undefined)
    .toSorted((one, other) => made(other).localeCompare(made(one)))
  return newest === undefined ? null : `pod ${newest.metadata.name}: ${problemOf(newest)}`
}

function selectorOf(live: KubeObject | null): string | null {
  const { spec } = (live ?? {}) as { readonly spec?: { readonly selector?: LabelSelector } }
  return spec?.selector?.matchLabels === undefined ? null : selectorText(spec.selector)
}
