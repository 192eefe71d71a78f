import type { Clock, Instant } from '../../core/instant.ts'
import { judgeDaemonSet, judgeDeployment } from './readiness/judge.ts'
import type { Judgement } from './readiness/judgement.ts'
import { judgeStatefulSet } from './readiness/statefulset.ts'
import { resources } from './resources.ts'
import type { KubeObject, Resource } from './types.ts'
import { type Change, Replica } from './watch/replica.ts'
import { type WatchSpec, watchCollection } from './watch/watch.ts'

/** Instances that are ready and that are wanted, over all Deployments, StatefulSets and DaemonSets of a release: `workloads`. */
export type ReleaseHealth = { readonly ready: number; readonly total: number; readonly workloads: number }
export type HealthChange = { readonly namespace: string; readonly release: string; readonly health: ReleaseHealth }

export type HealthWatchSpec = Pick<WatchSpec, 'transport' | 'random' | 'signal'> & {
  readonly clock: Clock
  readonly namespace?: string
  /** The releases whose numbers changed, at most once a second, each at its newest. Must not throw. */
  readonly onChange: (changes: readonly HealthChange[]) => void
}

/** What is true now of every release of a cluster. */
export interface HealthWatch {
  readonly synced: boolean
  /** When the cluster last told of every kind of workload, if only that nothing has changed; null until it has told all. */
  readonly seenAt: Instant | null
  /** Null when no workload of the release is known. */
  health(namespace: string, release: string): ReleaseHealth | null
  /** The health of every release that has workloads. */
  all(): Iterable<HealthChange>
  /** Runs until the signal ends it; never rejects otherwise. */
  run(): Promise<void>
}

/** What is kept of a workload. */
type Share = { readonly key: string; readonly ready: number; readonly total: number }

const kinds: readonly (readonly [Resource, (object: KubeObject) => Judgement])[] = [
  [resources.deployments, judgeDeployment],
  [resources.statefulSets, judgeStatefulSet],
  [resources.daemonSets, judgeDaemonSet],
]
const selection = { labelSelector: 'app.kubernetes.io/managed-by=Helm' }
const COALESCE_MS = 1000

/** One list and watch per kind of workload, whatever the number of releases (SPEC section 3, `health`). */
export function createHealthWatch(spec: HealthWatchSpec): HealthWatch {
  return new WorkloadsWatch(spec)
}

class WorkloadsWatch implements HealthWatch {
  readonly #spec: HealthWatchSpec
  readonly #replicas: readonly Replica<KubeObject, Share>[]
  readonly #totals = new Map<string, { ready: number; total: number; workloads: number }>()
  readonly #told = new Map<string, string>()
  readonly #changed = new Set<string>()
  /** When each kind was last told of. */
  readonly #seen: Instant[] = kinds.map(() => 0)
  #telling = false

  constructor(spec: HealthWatchSpec) {
    this.#spec = spec
    this.#replicas = kinds.map(([, judge]) => new Replica((object) => shareOf(object, judge)))
  }

  get synced(): boolean {
    return this.#replicas.every(({ synced }) => synced)
  }

  get seenAt(): Instant | null {
    return this.synced ? Math.min(...this.#seen) : null
  }

  *all(): Generator<HealthChange> {
    for (const [key, sum] of this.#totals) yield changeOf(key, { ...sum })
  }

  health(namespace: string, release: string): ReleaseHealth | null {
    const sum = this.#totals.get(`${namespace}/${release}`)
    return sum === undefined ? null : { ...sum }
  }

  async run(): Promise<void> {
    await Promise.all(this.#replicas.map((replica, index) => this.#follow(replica, index)))
  }

  async #follow(replica: Replica<KubeObject, Share>, index: number): Promise<void> {
    const [resource] = kinds[index] ?? [resources.deployments]
    const { transport, clock, random, signal, namespace } = this.#spec
    const within = namespace === undefined ? selection : { ...selection, namespace }
    const watch = { transport, clock, random, signal, resource, selection: within, metadataOnly: false }
    for await (const event of watchCollection(watch)) {
      if (event.type !== 'stale') this.#seen[index] = clock.now()
      for (const change of replica.apply(event)) this.#take(change)
      // Until everything is known the numbers would be too small.
      if (this.synced && this.#changed.size > 0) void this.#tellSoon()
    }
  }

  #take({ before, after }: Change<Share>): void {
    if (before !== null) this.#add(before, -1)
    if (after !== null) this.#add(after, 1)
  }

  #add({ key, ready, total }: Share, sign: 1 | -1): void {
    const sum = this.#totals.get(key) ?? { ready: 0, total: 0, workloads: 0 }
    sum.ready += sign * ready
    sum.total += sign * total
    sum.workloads += sign
    if (sum.workloads === 0) this.#totals.delete(key)
    else this.#totals.set(key, sum)
    this.#changed.add(key)
  }

  async #tellSoon(): Promise<void> {
    if (this.#telling) return
    this.#telling = true
    await this.#spec.clock.sleep(COALESCE_MS, this.#spec.signal)
    this.#telling = false
    const changes = [...this.#changed].flatMap((key) => this.#changeOf(key))
    this.#changed.clear()
    if (changes.length > 0 && !this.#spec.signal.aborted) this.#spec.onChange(changes)
  }

  #changeOf(key: string): readonly HealthChange[] {
    const health = { ...(this.#totals.get(key) ?? { ready: 0, total: 0, workloads: 0 }) }
    const text = `${health.ready}/${health.total} of ${health.workloads}`
    if (this.#told.get(key) === text) return []
    if (this.#totals.has(key)) this.#told.set(key, text)
    else this.#told.delete(key)
    return [changeOf(key, health)]
  }
}

function changeOf(key: string, health: ReleaseHealth): HealthChange {
  const [namespace = '', release = ''] = key.split('/')
  return { namespace, release, health }
}

/** Null for a workload that does not say which release it belongs to, or belongs to one of another namespace. */
function shareOf(object: KubeObject, judge: (object: KubeObject) => Judgement): Share | null {
  const { annotations = {}, namespace } = object.metadata
  const release = annotations['meta.helm.sh/release-name']
  if (release === undefined || annotations['meta.helm.sh/release-namespace'] !== namespace) return null
  const { ready, total } = judge(object)
  return { key: `${namespace}/${release}`, ready, total }
}
