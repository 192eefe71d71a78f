import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, type Cluster, type Labels, reachCluster, type Stored } from './cluster.ts'

const groups: Readonly<Record<string, string>> = {
  deployments: '/apis/apps/v1',
  replicasets: '/apis/apps/v1',
  statefulsets: '/apis/apps/v1',
  daemonsets: '/apis/apps/v1',
  controllerrevisions: '/apis/apps/v1',
  jobs: '/apis/batch/v1',
  poddisruptionbudgets: '/apis/policy/v1',
  horizontalpodautoscalers: '/apis/autoscaling/v2',
  endpointslices: '/apis/discovery.k8s.io/v1',
}

/** How a pod is to be evicted: options of its deletion, or a rehearsal by the query. */
export type Eviction = { readonly dryRun?: boolean; readonly deleteOptions?: object }
export type Evicted = { readonly status: number; readonly causes: readonly string[] }

const NODES = '/api/v1/nodes'
const DEADLINE_MS = 45_000
const POLL_MS = 50

/** A namespace of its own on the cluster under test, with the few verbs that the suites need. */
export class TestNamespace {
  readonly name = `controllers-${randomUUID().slice(0, 8)}`
  readonly #cluster: Cluster
  readonly #nodes: string[] = []

  private constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  static async open(): Promise<TestNamespace> {
    const namespace = new TestNamespace(await reachCluster())
    const metadata = { name: namespace.name }
    await namespace.#must('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata })
    return namespace
  }

  async close(): Promise<void> {
    await this.#cluster.call('DELETE', `/api/v1/namespaces/${this.name}`)
    await Promise.all(this.#nodes.map((node) => this.#cluster.call('DELETE', `${NODES}/${node}`)))
    await this.#cluster.stop()
  }

  /** Whether the cluster under test is a practice cluster of the test's own, which it may restart and tell what to play. */
  static readonly isSimulated = process.env.CONTRACT_KUBECONFIG === undefined

  /** Stops the control plane as a crash would, and starts it again. */
  restart(): Promise<void> {
    return this.#cluster.restart()
  }

  create(plural: string, object: object): Promise<Stored> {
    return this.#must('POST', this.#path(plural), object)
  }

  /** A create that may be refused. */
  submit(plural: string, object: object): Promise<Answer> {
    return this.#cluster.call('POST', this.#path(plural), object)
  }

  get(plural: string, name: string): Promise<Stored> {
    return this.#must('GET', this.#path(plural, name))
  }

  async list(plural: string, labels = ''): Promise<readonly Stored[]> {
    const query = labels === '' ? '' : `?labelSelector=${encodeURIComponent(labels)}`
    const { items = [] } = (await this.#must('GET', this.#path(plural) + query)) as { items?: readonly Stored[] }
    return items
  }

  /** A Node of this test's own, which is removed with the namespace. */
  async createNode(name: string, labels: Labels, spec: object = {}, status: object = {}): Promise<Stored> {
    this.#nodes.push(name)
    return this.#must('POST', NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec, status })
  }

  getNode(name: string): Promise<Stored> {
    return this.#must('GET', `${NODES}/${name}`)
  }

  async removeNode(name: string): Promise<void> {
    await this.#must('DELETE', `${NODES}/${name}`)
  }

  patch(plural: string, name: string, body: object): Promise<Stored> {
    return this.#must('PATCH', this.#path(plural, name), body, 'application/merge-patch+json')
  }

  /** A patch that may be refused: a merge patch when not said otherwise. */
  attempt(plural: string, name: string, body: object, { type = 'merge-patch+json', query = '' } = {}): Promise<Answer> {
    return this.#cluster.call('PATCH', this.#path(plural, name) + query, body, `application/${type}`)
  }

  remove(plural: string, name: string): Promise<Stored> {
    return this.#must('DELETE', this.#path(plural, name))
  }

  /** Asks for an eviction; answers the status code and the causes of a refusal. */
  async evict(pod: string, { dryRun = false, deleteOptions = {} }: Eviction = {}): Promise<Evicted> {
    const metadata = { name: pod, namespace: this.name }
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata, deleteOptions }
    const path = `${this.#path('pods', pod)}/eviction${dryRun ? '?dryRun=All' : ''}`
    const { status, body } = await this.#cluster.call('POST', path, eviction)
    const details = body.details as { causes?: readonly { reason: string }[] } | undefined
    return { status, causes: (details?.causes ?? []).map(({ reason }) => reason) }
  }

  #path(plural: string, name?: string): string {
    const whole = `${groups[plural] ?? '/api/v1'}/namespaces/${this.name}/${plural}`
    return name === undefined ? whole : `${whole}/${name}`
  }

  async #must(method: string, path: string, body?: object, contentType?: string): Promise<Stored> {
    const answer = await this.#cluster.call(method, path, body, contentType)
    if (answer.status < 300) return answer.body
    throw new Error(`${method} ${path}: ${answer.status} ${String(answer.body.message)}`)
  }
}

/** Asks again until the answer is as wanted; fails at the deadline with what was last seen. */
export async function eventually<T>(
  what: string,
  read: () => Promise<T>,
  wanted: (value: T) => boolean,
  withinMs = DEADLINE_MS,
): Promise<T> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const value = await read()
    if (wanted(value)) return value
    if (Date.now() > deadline)
      throw new Error(`not in time: ${what}; last seen: ${JSON.stringify(value)?.slice(0, 2000)}`)
    await pause(POLL_MS)
  }
}

/** Watches for a while that something stays as it is: the only way to see that nothing happens. */
export async function stays<T>(what: string, read: () => Promise<T>, wanted: (value: T) => boolean): Promise<void> {
  const end = Date.now() + 1500
  while (Date.now() < end) {
    const value = await read()
    if (!wanted(value)) throw new Error(`did not stay: ${what}; seen: ${JSON.stringify(value)?.slice(0, 2000)}`)
    await pause(POLL_MS)
  }
}
