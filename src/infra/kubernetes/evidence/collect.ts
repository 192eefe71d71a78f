import type { Clock } from '../../../core/instant.ts'
import { startDeadline } from '../deadline.ts'
import type { EventObject } from '../events.ts'
import { whyGoing } from '../gone.ts'
import type { ManifestObject } from '../manifest.ts'
import { mapParallel } from '../parallel.ts'
import { judgeRelease, type Observed, unsettled } from '../readiness/readiness.ts'
import type { ContainerStatus, LabelSelector, Pod } from '../readiness/workload-types.ts'
import { whyNoPod } from '../refused-pods.ts'
import { objectPath, resources } from '../resources.ts'
import { selectorText } from '../selector.ts'
import type { ClusterClient, KubeObject } from '../types.ts'
import { observeObjects, observeWorkloads, type ReadParts } from '../workloads.ts'
import { boundEvidence } from './bound.ts'
import { describeEvents, describeLog, describePod, hasCrashed, isCutLog, ofThisTime } from './describe.ts'
import { namedHooks, type UnfinishedHook, unfinishedHooks } from './hooks.ts'
import type { ContainerEvidence, Evidence, PodEvidence } from './types.ts'

export type EvidenceOptions = {
  readonly clock: Clock
  readonly signal?: AbortSignal
  /** For everything together; 10 s unless told. What is there by then is kept. */
  readonly limitMs?: number
  /** Pods that were made before are told only of a workload that has none since: they are of another operation. */
  readonly since?: number
}

const LIMIT_MS = 10_000
/** Of texts that are not cut yet: masking them takes its time. */
const MOST_BYTES = 256 * 1024
const MOST_PODS = 10
const MOST_WORKLOADS = 20
/** Of so many lines the first is not told. Parts in which containerd writes a longer line are of so many bytes: one fills a log. */
const LOG = { lines: 21, bytes: 16 * 1024 }
const AT_ONCE = 4

/**
 * Why a release is not ready: its workloads, their pods that are not ready, events and last log lines, as long as the cluster says
 * them, at most 256 KiB: to be masked, and cut then (`cutEvidence`). Throws `ClusterError` when not even the workloads can be read; parts that cannot be read are left out.
 */
export async function collectEvidence(
  parts: ReadParts,
  objects: readonly ManifestObject[],
  namespace: string,
  options: EvidenceOptions,
): Promise<Evidence> {
  return inTime(options, async (signal) => {
    const observed = await observeWorkloads(parts, objects, namespace, { jobs: true, signal })
    const { since = 0 } = options
    return describe(new Collector(parts.client, namespace, signal), unsettled(observed), (pods) =>
      ofThisTime(pods, since),
    )
  })
}

/** What the hooks of an operation left behind that have not ended well; null when there is none. */
export async function collectHookEvidence(
  parts: ReadParts,
  objects: readonly ManifestObject[],
  namespace: string,
  options: EvidenceOptions & { readonly since: number },
): Promise<{ readonly hooks: readonly UnfinishedHook[]; readonly evidence: Evidence } | null> {
  return inTime(options, async (signal) => {
    const hooks = await unfinishedHooks(parts, objects, namespace, { since: options.since, signal })
    if (hooks.length === 0) return null
    const evidence = await describe(new Collector(parts.client, namespace, signal), hooks, unfinished)
    return { hooks: await namedHooks(parts.client, hooks, signal), evidence }
  })
}

/** The same hooks without what they wrote. Throws `ClusterError`. */
export function readUnfinishedHooks(
  parts: ReadParts,
  objects: readonly ManifestObject[],
  namespace: string,
  options: EvidenceOptions & { readonly since: number },
): Promise<readonly UnfinishedHook[]> {
  return inTime(options, async (signal) => {
    const hooks = await unfinishedHooks(parts, objects, namespace, { since: options.since, signal })
    return namedHooks(parts.client, hooks, signal)
  })
}

/** What hangs while a release is being removed: the objects that are still there, and their pods. */
export async function collectRemainingEvidence(
  parts: ReadParts,
  objects: readonly ManifestObject[],
  namespace: string,
  options: EvidenceOptions,
): Promise<Evidence> {
  return inTime(options, async (signal) => {
    const there = await observeObjects(parts, objects, namespace, signal)
    return describe(new Collector(parts.client, namespace, signal), there, unfinished)
  })
}

async function inTime<T>(
  { clock, signal, limitMs = LIMIT_MS }: EvidenceOptions,
  collect: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = startDeadline(clock, limitMs, signal)
  try {
    return await collect(deadline.signal)
  } finally {
    deadline.end()
  }
}

type Choice = (pods: readonly Pod[]) => readonly Pod[]

const unfinished: Choice = (pods) => pods.filter(({ status }) => status?.phase !== 'Succeeded')

async function describe(collector: Collector, observed: readonly Observed[], choose: Choice): Promise<Evidence> {
  const workloads = await mapParallel(observed.slice(0, MOST_WORKLOADS), AT_ONCE, (one) => collector.workload(one))
  const pods = await collector.podsOf(observed, choose)
  const described = await mapParallel(pods.slice(0, MOST_PODS), AT_ONCE, (pod) => collector.pod(pod))
  const left = observed.length > MOST_WORKLOADS || pods.length > MOST_PODS || collector.incomplete
  return boundEvidence({ workloads, pods: described, incomplete: left }, MOST_BYTES)
}

class Collector {
  readonly #client: ClusterClient
  readonly #namespace: string
  readonly #signal: AbortSignal
  incomplete = false

  constructor(client: ClusterClient, namespace: string, signal: AbortSignal) {
    this.#client = client
    this.#namespace = namespace
    this.#signal = signal
  }

  async workload(observed: Observed): Promise<Evidence['workloads'][number]> {
    const { kind, name } = observed.wanted
    const events = observed.live === null ? [] : await this.#eventsOf(observed.live)
    const why = whyNoPod(events)
    const reason = why === null ? reasonOf(observed) : `${reasonOf(observed)}: ${why}`
    return { object: `${kind} ${name}`, reason, events: describeEvents(events) }
  }

  /** The pods that are chosen of each workload, each once. */
  async podsOf(observed: readonly Observed[], choose: Choice): Promise<readonly Pod[]> {
    const found = await mapParallel(observed, AT_ONCE, async ({ live }) => choose(await this.#podsOf(live)))
    const byName = new Map(found.flat().map((pod) => [pod.metadata.name, pod]))
    return [...byName.values()]
  }

  async pod(pod: Pod): Promise<PodEvidence> {
    const described = describePod(pod)
    const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
    const containers: ContainerEvidence[] = []
    for (const [index, container] of described.containers.entries()) {
      const status = statuses[index]
      containers.push({ ...container, log: status === undefined ? [] : await this.#log(pod, status) })
    }
    return { ...described, containers, events: describeEvents(await this.#eventsOf(pod)) }
  }

  #podsOf(live: KubeObject | null): Promise<readonly Pod[]> {
    if (live === null) return Promise.resolve([])
    if (live.kind === 'Pod') return Promise.resolve([live])
    const labelSelector = selectorText(selectorOf(live))
    if (labelSelector === null) return Promise.resolve([])
    const selection = { namespace: this.#namespace, labelSelector }
    return this.#orNothing(
      async () => (await this.#client.list<Pod>(resources.pods, selection, this.#options)).items,
      [],
    )
  }

  #eventsOf({ metadata }: KubeObject): Promise<readonly EventObject[]> {
    const selection = { namespace: this.#namespace, fieldSelector: `involvedObject.uid=${metadata.uid ?? ''}` }
    return this.#orNothing(
      async () => (await this.#client.list<EventObject>(resources.events, selection, this.#options)).items,
      [],
    )
  }

  /** A container that has not started has no log: that is no gap. */
  #log({ metadata }: Pod, status: ContainerStatus): Promise<readonly string[]> {
    const crashed = hasCrashed(status)
    if (!crashed && status.state?.running === undefined && status.state?.terminated === undefined) {
      return Promise.resolve([])
    }
    const query = new URLSearchParams({ container: status.name, tailLines: `${LOG.lines}`, limitBytes: `${LOG.bytes}` })
    if (crashed) query.set('previous', 'true')
    const path = `${objectPath(resources.pods, { namespace: this.#namespace, name: metadata.name })}/log?${query}`
    return this.#orNothing(async () => {
      const text = await this.#client.text(path, this.#options)
      this.incomplete ||= isCutLog(text, LOG)
      return describeLog(text, LOG)
    }, [])
  }

  get #options() {
    return { signal: this.#signal, timeoutMs: 5000 }
  }

  async #orNothing<T>(read: () => Promise<T>, nothing: T): Promise<T> {
    try {
      return await read()
    } catch {
      this.incomplete = true
      return nothing
    }
  }
}

/** An object that is on its way out says what holds it; whether it is ready does not matter any more. */
function reasonOf(observed: Observed): string {
  const { deletionTimestamp, finalizers = [] } = observed.live?.metadata ?? {}
  if (deletionTimestamp === undefined) return judgeRelease([observed]).blockers[0]?.reason ?? ''
  return whyGoing(finalizers)
}

function selectorOf(live: KubeObject & { readonly spec?: { readonly selector?: LabelSelector } }) {
  // A ReplicationController's selector is a plain map.
  const selector = live.spec?.selector
  if (live.kind !== 'ReplicationController') return selector
  return { matchLabels: selector as Readonly<Record<string, string>> }
}
