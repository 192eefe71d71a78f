import type { ManifestObject } from '../manifest.ts'
import { hasEnded } from '../readiness/pod-problem.ts'
import { judgeRelease, type Observed } from '../readiness/readiness.ts'
import { readWhyNoPod } from '../refused-pods.ts'
import type { ClusterClient, KubeObject } from '../types.ts'
import { newestProblem, podsOf } from '../unready-pods.ts'
import { isOwn, nameOf, type ReadParts } from '../workloads.ts'
import { madeAt } from './describe.ts'

const mostHooks = 50

/**
 * A hook that has not ended well. `events`: as the chart says them; `failed`: for good. `problem`: of the newest, which is the one
 * that helm is at, why it has no pod or why that has not come up, to be masked before it is shown; null where nothing is known.
 */
export type UnfinishedHook = {
  readonly kind: string
  readonly name: string
  readonly events: readonly string[]
  readonly failed: boolean
  readonly problem: string | null
}

/** Hooks, the newest first, as they are named to callers. */
export async function namedHooks(
  client: ClusterClient,
  hooks: readonly Observed[],
  signal: AbortSignal,
): Promise<readonly UnfinishedHook[]> {
  const [newest] = hooks
  const problem = newest === undefined ? null : await podProblem(client, newest, signal)
  return hooks.map((one) => named(one, one === newest ? problem : null))
}

function named(one: Observed, problem: string | null): UnfinishedHook {
  const { kind, name, hook } = one.wanted
  const events = (hook ?? '').split(',').map((event) => event.trim())
  return { kind, name, events, failed: judgeRelease([one]).failed, problem }
}

/**
 * The Jobs and pods of hooks that were made since then and have not ended well, the newest first: helm runs one at a time, so
 * that is the one which it is at. What is older is of an act just before.
 */
export async function unfinishedHooks(
  { client, discovery }: ReadParts,
  objects: readonly ManifestObject[],
  namespace: string,
  { since, signal }: { readonly since: number; readonly signal: AbortSignal },
): Promise<readonly Observed[]> {
  const found: (Observed & { readonly live: KubeObject })[] = []
  for (const wanted of objects.filter(runs).slice(0, mostHooks)) {
    const resource = await discovery.find(wanted.apiVersion, wanted.kind, { signal })
    if (resource === null) continue
    const live = await client.find<KubeObject>(resource, nameOf(wanted, namespace), { signal })
    if (live === null || !isOwn(live, resource, namespace) || madeAt(live) < since) continue
    const one = { wanted, live }
    if (!judgeRelease([one]).settled || isRunning(live)) found.push(one)
  }
  return found.sort((one, other) => madeAt(other.live) - madeAt(one.live))
}

/** The Job of a hook has a handful of pods. Of one with more these are enough: it is looked at every other second. */
const mostPods = 100

/** Of a hook that is a pod, why that one has not come up; of a Job whose pods have all ended, first why it gets no other. */
async function podProblem(client: ClusterClient, { live }: Observed, signal: AbortSignal): Promise<string | null> {
  if (live === null) return null
  if (live.kind === 'Pod') return newestProblem([live])
  const pods = await podsOf(client, live, { signal, first: mostPods })
  const isAlone = pods.every(hasEnded) && !signal.aborted
  const why = isAlone ? await readWhyNoPod(client, live, { signal }).catch(() => null) : null
  return why === null ? newestProblem(pods) : `it has no pod: ${why}`
}

const runs = ({ hook, kind }: ManifestObject): boolean => hook !== null && (kind === 'Job' || kind === 'Pod')

/** A hook's pod is to end; for workloads one that runs and is ready is as it should be. */
const isRunning = (live: KubeObject): boolean => live.kind === 'Pod' && phaseOf(live) === 'Running'

function phaseOf(live: KubeObject & { readonly status?: { readonly phase?: string } }): string | undefined {
  return live.status?.phase
}
