import { type Clock, type Instant, lastOf } from '../../core/instant.ts'
import type { Json } from '../../core/json.ts'
import { startDeadline } from './deadline.ts'
import { createDiscovery, type Discovery } from './discovery.ts'
import { ClusterError } from './errors.ts'
import {
  collectEvidence,
  collectHookEvidence,
  collectRemainingEvidence,
  readUnfinishedHooks,
} from './evidence/collect.ts'
import type { UnfinishedHook } from './evidence/hooks.ts'
import { type LiveConflict, type LiveOverwritten, readConflicts, readOverwritten } from './field-conflicts.ts'
import { isTerminating, type Remaining, readRemains, whyGoing } from './gone.ts'
import { readLeftBehind } from './left-behind.ts'
import { type ManifestObject, parseManifest } from './manifest.ts'
import type { PastRevision } from './past.ts'
import { judgeRelease } from './readiness/readiness.ts'
import type { Blocker } from './readiness/types.ts'
import { resources } from './resources.ts'
import { type PodRef, readStuckPods, removePods } from './stuckpods.ts'
import type { ClusterClient, ClusterEndpoint } from './types.ts'
import { readPodProblems } from './unready-pods.ts'
import { firstUnserved, type KindRef } from './unserved.ts'
import { observeWorkloads } from './workloads.ts'

/** One cluster as the releases see it. Every method throws `ClusterError` when the cluster does not answer. */
export interface ReleaseView {
  readonly endpoint: ClusterEndpoint
  /** How far the workloads of a manifest are; `jobs` counts plain Jobs too. */
  readiness(manifest: string, namespace: string, options: { readonly jobs: boolean }): Promise<ViewedReadiness>
  /** Which objects of a manifest are still there. */
  remains(manifest: string, namespace: string, release: string, options?: RemainsOptions): Promise<ViewedRemains>
  /** What earlier revisions of a release that is gone have left, and the hooks of all of them; newest revision first. */
  leftBehind(history: AsyncIterable<PastRevision>, namespace: string, release: string): Promise<ViewedLeftovers>
  /**
   * Events and last log lines of what is not ready: for the tenant only, at most 64 KiB. `since`: when the operation
   * began whose evidence it is.
   */
  evidence(manifest: string, namespace: string, since?: number): Promise<Json>
  /** The same of the Jobs and pods of hooks that were made since then and have not ended well; null: there are none. */
  hookEvidence(manifest: string, namespace: string, since: number): Promise<ViewedHooks | null>
  /** Those hooks by name alone, and why the pod of the newest has not come up. */
  unfinishedHooks(manifest: string, namespace: string, since: number): Promise<readonly UnfinishedHook[]>
  /** The same of what is still there of a release that is being removed. */
  remainingEvidence(manifest: string, namespace: string): Promise<Json>
  /** Which fields of a manifest another manager owns; asked by a dry run. */
  conflicts(manifest: string, namespace: string, as: ClusterClient): Promise<readonly LiveConflict[]>
  /** Which fields of a manifest a forced apply takes from other managers than helm; asked by a dry run, for ten seconds. */
  overwritten(manifest: string, namespace: string, as: ClusterClient): Promise<LiveOverwritten>
  /** Deletes these very pods (by UID); those that are gone are fine. */
  removePods(namespace: string, pods: readonly PodRef[]): Promise<void>
  /** The first of these kinds that the cluster does not know now (`firstUnserved`). */
  unserved(kinds: readonly KindRef[], signal: AbortSignal): Promise<KindRef | null>
  /** Whether the namespace is being deleted. */
  isTerminating(namespace: string): Promise<boolean>
  /** Creates the namespace with these labels when it is not there, and answers whether it did. One that is there stays. */
  ensureNamespace(namespace: string, labels: Readonly<Record<string, string>>): Promise<boolean>
}
/** `marked`: only objects that carry the release's mark; what was never applied may be there by another's hand. */
export type RemainsOptions = { readonly marked?: boolean }
/** What hooks left. */
export type ViewedHooks = { readonly hooks: readonly UnfinishedHook[]; readonly evidence: Json }
export type ViewedReadiness = {
  readonly ready: number
  readonly total: number
  readonly settled: boolean
  readonly failed: boolean
  /** The first ten, in words. */
  readonly blockers: readonly string[]
  readonly stuckPods: readonly PodRef[]
}
export type ViewedRemains = {
  readonly gone: boolean
  /** Some of what remains is being deleted. */
  readonly deleting: boolean
  /** What keeps it from being gone, and why each of them stays. */
  readonly remaining: ViewedLeftovers
  readonly blockers: readonly string[]
  readonly leftovers: ViewedLeftovers
  /** Where pods that stop are all that remains: when the last of them must have, null while some are not told to yet. */
  readonly stopping?: { readonly until: Instant | null }
}
export type ViewedLeftovers = readonly { readonly kind: string; readonly name: string; readonly why: string }[]

const MOST_BLOCKERS = 10
/** A rollback waits for it. */
const OVERWRITTEN_MS = 10_000
/** Manifests that are kept parsed: a release that is waited for is looked at again and again. */
const KEPT_MANIFESTS = 16

/** The view over a client. */
export function createReleaseView(client: ClusterClient, clock: Clock): ReleaseView {
  return new ClientView(client, createDiscovery(client, clock), clock)
}

class ClientView implements ReleaseView {
  readonly #client: ClusterClient
  readonly #discovery: Discovery
  readonly #clock: Clock
  readonly #parsed = new Map<string, readonly ManifestObject[]>()

  constructor(client: ClusterClient, discovery: Discovery, clock: Clock) {
    this.#client = client
    this.#discovery = discovery
    this.#clock = clock
  }

  get endpoint(): ClusterEndpoint {
    return this.#client.endpoint
  }

  async readiness(manifest: string, namespace: string, options: { jobs: boolean }): Promise<ViewedReadiness> {
    const observed = await observeWorkloads(this.#parts, this.#parse(manifest), namespace, options)
    const { ready, total, settled, failed, blockers } = judgeRelease(observed)
    const stuckPods = settled ? [] : await readStuckPods(this.#client, observed)
    const problems = settled ? none : await readPodProblems(this.#client, observed)
    const why = blockers.map((blocker) => blockerText(blocker, problems))
    const isGoing = !settled && (await this.isTerminating(namespace))
    const told = (isGoing ? [`the namespace "${namespace}" is being deleted`, ...why] : why).slice(0, MOST_BLOCKERS)
    return { ready, total, settled, failed, blockers: told, stuckPods }
  }

  async remains(
    manifest: string,
    namespace: string,
    release: string,
    { marked = false }: RemainsOptions = {},
  ): Promise<ViewedRemains> {
    const read = await readRemains(this.#parts, this.#parse(manifest), { namespace, name: release, marked })
    const blockers = read.remaining.slice(0, MOST_BLOCKERS).map(remainingText)
    const remaining = read.remaining.map((one) => ({ kind: one.kind, name: one.name, why: whyRemaining(one) }))
    const deleting = read.remaining.some((one) => one.deleting)
    const viewed = { gone: read.gone, deleting, blockers, remaining, leftovers: read.leftovers }
    return isStopping(read.remaining) ? { ...viewed, stopping: { until: lastOf(read.remaining.map(endOf)) } } : viewed
  }

  leftBehind(history: AsyncIterable<PastRevision>, namespace: string, release: string): Promise<ViewedLeftovers> {
    return readLeftBehind(this.#parts, history, { namespace, name: release })
  }

  async evidence(manifest: string, namespace: string, since = 0): Promise<Json> {
    return collectEvidence(this.#parts, this.#parse(manifest), namespace, { clock: this.#clock, since })
  }

  hookEvidence(manifest: string, namespace: string, since: number): Promise<ViewedHooks | null> {
    return collectHookEvidence(this.#parts, this.#parse(manifest), namespace, { clock: this.#clock, since })
  }

  unfinishedHooks(manifest: string, namespace: string, since: number): Promise<readonly UnfinishedHook[]> {
    return readUnfinishedHooks(this.#parts, this.#parse(manifest), namespace, { clock: this.#clock, since })
  }

  async remainingEvidence(manifest: string, namespace: string): Promise<Json> {
    return collectRemainingEvidence(this.#parts, this.#parse(manifest), namespace, { clock: this.#clock })
  }

  conflicts(manifest: string, namespace: string, as: ClusterClient): Promise<readonly LiveConflict[]> {
    return readConflicts({ ...this.#parts, client: as }, this.#parse(manifest), namespace)
  }

  async overwritten(manifest: string, namespace: string, as: ClusterClient): Promise<LiveOverwritten> {
    const objects = this.#parse(manifest)
    const deadline = startDeadline(this.#clock, OVERWRITTEN_MS)
    try {
      return await readOverwritten({ ...this.#parts, client: as }, objects, namespace, deadline.signal)
    } finally {
      deadline.end()
    }
  }

  removePods(namespace: string, pods: readonly PodRef[]): Promise<void> {
    return removePods(this.#client, namespace, pods)
  }

  isTerminating(namespace: string): Promise<boolean> {
    return isTerminating(this.#parts, namespace, {})
  }

  unserved(kinds: readonly KindRef[], signal: AbortSignal): Promise<KindRef | null> {
    return firstUnserved({ client: this.#client, clock: this.#clock }, kinds, signal)
  }

  async ensureNamespace(name: string, labels: Readonly<Record<string, string>>): Promise<boolean> {
    if ((await this.#client.findMetadata(resources.namespaces, { name })) !== null) return false
    try {
      await this.#client.create(resources.namespaces, { metadata: { name, labels } })
      return true
    } catch (error) {
      // Somebody else has just made it.
      if (!(error instanceof ClusterError && error.reason === 'AlreadyExists')) throw error
      return false
    }
  }

  get #parts() {
    return { client: this.#client, discovery: this.#discovery }
  }

  #parse(manifest: string): readonly ManifestObject[] {
    const objects = this.#parsed.get(manifest) ?? parseManifest(manifest)
    this.#parsed.delete(manifest)
    this.#parsed.set(manifest, objects)
    const [oldest] = this.#parsed.keys()
    if (this.#parsed.size > KEPT_MANIFESTS && oldest !== undefined) this.#parsed.delete(oldest)
    return objects
  }
}

const none: ReadonlyMap<string, string> = new Map()

function blockerText({ object: { kind, name }, reason }: Blocker, problems: ReadonlyMap<string, string>): string {
  const problem = problems.get(`${kind} ${name}`)
  return `${kind} ${name}: ${reason}${problem === undefined ? '' : ` (${problem})`}`
}

const remainingText = (one: Remaining): string => `${one.kind} ${one.name}: ${whyRemaining(one)}`

function whyRemaining({ deleting, finalizers, until }: Remaining): string {
  if (!deleting) return 'it is not being deleted'
  if (until === undefined || finalizers.length > 0) return whyGoing(finalizers)
  return until === null ? 'it is about to be deleted' : `it is stopping, until ${secondsOf(until)} at the latest`
}

/** As Kubernetes writes moments. */
const secondsOf = (at: Instant): string => `${new Date(at).toISOString().slice(0, 19)}Z`

/** Pods that stop are all that remains, and nothing holds one. */
const isStopping = (remaining: readonly Remaining[]): boolean =>
  remaining.length > 0 && remaining.every(({ until, finalizers }) => until !== undefined && finalizers.length === 0)

const endOf = ({ until }: Remaining): Instant | null => until ?? null
