import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { Agent, request } from 'undici'
import { parse } from 'yaml'

/** One revision as it lies in Helm's storage. */
export type StoredRevision = {
  readonly namespace: string
  readonly release: string
  readonly revision: number
  readonly status: string
  readonly chartVersion: string
  readonly values: Record<string, unknown>
}

/** A Deployment, StatefulSet or DaemonSet, as far as values decide it. */
export type Workload = {
  readonly namespace: string
  readonly name: string
  /** Null of a DaemonSet: the nodes decide. */
  readonly replicas: number | null
  readonly images: readonly string[]
}

/** A pod of a release, and the chart version that made it. */
export type Pod = {
  readonly uid: string
  readonly namespace: string
  readonly release: string
  readonly chartVersion: string
  readonly ready: boolean
  readonly terminating: boolean
}

/** Whatever of an object a gate might have left its mark on. */
export type Held = {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly annotations: Readonly<Record<string, string>>
  readonly managers: readonly string[]
  readonly spec: Readonly<Record<string, unknown>>
}

type Kubeconfig = {
  readonly clusters: readonly [{ readonly cluster: Record<string, string> }]
  readonly users: readonly [{ readonly user: Record<string, string> }]
}
type Item = {
  readonly metadata: {
    readonly namespace: string
    readonly name: string
    readonly uid: string
    readonly labels?: Record<string, string>
    readonly annotations?: Record<string, string>
    readonly deletionTimestamp?: string
    readonly ownerReferences?: readonly { readonly kind: string }[]
    readonly managedFields?: readonly { readonly manager: string }[]
  }
  readonly data?: Record<string, string>
  readonly spec?: {
    readonly replicas?: number
    readonly template?: { readonly spec: { readonly containers: readonly { readonly image: string }[] } }
  }
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

/**
 * Reads what is really in the cluster, by its kubeconfig and with none of Flotilla's code: what proves something must
 * not share the mistakes of what it proves.
 */
export class ClusterReader {
  private readonly kubeconfig: string

  constructor(kubeconfig: string) {
    this.kubeconfig = kubeconfig
  }

  /** How many `deployed` revisions each release has, by `namespace/release`, in one consistent list. */
  async deployedCounts(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>()
    for (const { metadata } of await this.secrets('owner=helm,status=deployed')) {
      const key = `${metadata.namespace}/${metadata.labels?.name}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    return counts
  }

  /** Every revision of every release, decoded. */
  async revisions(): Promise<readonly StoredRevision[]> {
    return (await this.secrets('owner=helm')).map(decode)
  }

  async workloads(): Promise<readonly Workload[]> {
    const lists = await Promise.all(
      workloadKinds.map(async ([kind, path]) => (await this.list(path)).map((item) => workloadOf(kind, item))),
    )
    return lists.flat()
  }

  /** The pods of the workloads that charts make; those of hooks are none of them. */
  async pods(): Promise<readonly Pod[]> {
    const items = await this.list('/api/v1/pods')
    return items.filter(isOfWorkload).map(({ metadata, status }) => ({
      uid: metadata.uid,
      namespace: metadata.namespace,
      release: metadata.labels?.['app.kubernetes.io/instance'] ?? '',
      chartVersion: metadata.labels?.['helm.sh/chart']?.split('-').at(-1) ?? '',
      ready: status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
      terminating: metadata.deletionTimestamp !== undefined,
    }))
  }

  /** Everything that executions put a gate or a pin on. */
  async held(): Promise<readonly Held[]> {
    const kinds = [...workloadKinds, ['Service', '/api/v1/services']] as const
    const lists = await Promise.all(kinds.map(async ([kind, path]) => (await this.list(path)).map(heldOf(kind))))
    return lists.flat()
  }

  private secrets(selector: string): Promise<readonly Item[]> {
    return this.list(`/api/v1/secrets?labelSelector=${encodeURIComponent(selector)}`)
  }

  private async list(path: string): Promise<readonly Item[]> {
    const config = parse(readFileSync(this.kubeconfig, 'utf8')) as Kubeconfig
    const { cluster } = config.clusters[0]
    const { user } = config.users[0]
    const ca = Buffer.from(cluster['certificate-authority-data'] ?? '', 'base64')
    const dispatcher = new Agent({ connect: { ca } })
    try {
      const answer = await request(`${cluster.server}${path}`, {
        dispatcher,
        headers: { authorization: `Bearer ${user.token}` },
      })
      if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode}`)
      return ((await answer.body.json()) as { readonly items: readonly Item[] }).items
    } finally {
      await dispatcher.close()
    }
  }
}

const workloadKinds = [
  ['Deployment', '/apis/apps/v1/deployments'],
  ['StatefulSet', '/apis/apps/v1/statefulsets'],
  ['DaemonSet', '/apis/apps/v1/daemonsets'],
] as const
const owners: ReadonlySet<string> = new Set(['ReplicaSet', 'StatefulSet', 'DaemonSet'])

const isOfWorkload = ({ metadata }: Item): boolean =>
  metadata.ownerReferences?.some(({ kind }) => owners.has(kind)) ?? false

const workloadOf = (kind: string, { metadata, spec }: Item): Workload => ({
  namespace: metadata.namespace,
  name: metadata.name,
  replicas: kind === 'DaemonSet' ? null : (spec?.replicas ?? 1),
  images: spec?.template?.spec.containers.map(({ image }) => image) ?? [],
})

const heldOf =
  (kind: string) =>
  ({ metadata, spec = {} }: Item): Held => ({
    kind,
    namespace: metadata.namespace,
    name: metadata.name,
    annotations: metadata.annotations ?? {},
    managers: metadata.managedFields?.map(({ manager }) => manager) ?? [],
    spec: spec as Readonly<Record<string, unknown>>,
  })

function decode({ metadata, data }: Item): StoredRevision {
  const packed = Buffer.from(Buffer.from(data?.release ?? '', 'base64').toString('latin1'), 'base64')
  const record = JSON.parse(gunzipSync(packed).toString('utf8'))
  return {
    namespace: metadata.namespace,
    release: record.name,
    revision: record.version,
    status: record.info.status,
    chartVersion: record.chart.metadata.version,
    values: record.config ?? {},
  }
}
