import type { ManifestObject } from '../manifest.ts'
import { judgeRelease, type Observed } from '../readiness/readiness.ts'
import type { ClusterClient, KubeObject } from '../types.ts'
import { newestProblem, readPodProblems } from '../unready-pods.ts'
import { isOwn, nameOf, type ReadParts } from '../workloads.ts'
import { madeAt } from './describe.ts'

const mostHooks = 50

/** A hook that has not ended well. `events`: as the chart says them. */
export type UnfinishedHook = {
  readonly kind: string
  readonly name: string
  readonly events: readonly string[]
  /** It has failed for good. */
  readonly failed: boolean
}

/** `problem`: why its newest pod has not come up, to be masked before it is shown; null where nothing is known. */
export type AwaitedHook = UnfinishedHook & { readonly problem: string | null }

/** A hook as it is named to callers. */
export function hookNamed(one: Observed): UnfinishedHook {
  const { kind, name, hook } = one.wanted
  const events = (hook ?? '').split(',').map((event) => event.trim())
  return { kind, name, events, failed: judgeRelease([one]).failed }
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

/** Why the newest pod of a hook has not come up: of a hook that is a pod, that one. */
export async function podProblem(client: ClusterClient, hook: Observed, signal: AbortSignal): Promise<string | null> {
  if (hook.live?.kind === 'Pod') return newestProblem([hook.live])
  const [problem] = (await readPodProblems(client, [hook], { signal, first: mostPods })).values()
  return problem ?? null
}

const runs = ({ hook, kind }: ManifestObject): boolean => hook !== null && (kind === 'Job' || kind === 'Pod')

/** A hook's pod is to end; for workloads one that runs and is ready is as it should be. */
const isRunning = (live: KubeObject): boolean => live.kind === 'Pod' && phaseOf(live) === 'Running'

function phaseOf(live: KubeObject & { readonly status?: { readonly phase?: string } }): string | undefined {
  return live.status?.phase
}
