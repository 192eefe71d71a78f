import { systemClock } from '../../../src/infra/clock.ts'
import {
  type ClusterEndpoint as HelmEndpoint,
  listRecords,
  readRevision,
  type StoredRecord,
} from '../../../src/infra/helm/index.ts'
import {
  type ClusterClient,
  createClient,
  createEndpoint,
  createTransport,
  type KubeObject,
  loadKubeconfig,
  type Resource,
  resources,
  selectContext,
  type Transport,
} from '../../../src/infra/kubernetes/index.ts'
import { eventually } from './eventually.ts'

type Deployment = KubeObject & {
  readonly spec: { readonly replicas: number; readonly template: PodTemplate }
  readonly status?: { readonly readyReplicas?: number }
}
type PodTemplate = { readonly spec: { readonly containers: readonly { readonly image: string }[] } }
export type Pod = KubeObject & {
  readonly spec: PodTemplate['spec']
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
  }
}
type Quota = KubeObject & { readonly status?: { readonly used?: Readonly<Record<string, string>> } }
type ConfigMap = KubeObject & { readonly data?: Readonly<Record<string, string>> }

const runMs = 'practice.flotilla.dev/run-ms'
/** Values of the chart `hooked`: the hook ends when the test lets it. */
export const heldHook = { runMs: 600_000 } as const

/** The practice cluster by its kubeconfig: what is true, whatever Flotilla says. */
export class ClusterView {
  readonly client: ClusterClient
  readonly transport: Transport
  readonly #endpoint: HelmEndpoint & { close(): Promise<void> }

  constructor(kubeconfig: string) {
    this.#endpoint = createEndpoint(selectContext(loadKubeconfig(kubeconfig)), systemClock)
    this.client = createClient({ endpoint: this.#endpoint, clock: systemClock })
    this.transport = createTransport(this.#endpoint)
  }

  /** Helm's own records of a release, decoded, oldest first. */
  async records(namespace: string, release: string): Promise<readonly StoredRecord['record'][]> {
    const { records } = await listRecords(this.#endpoint, { namespace, release })
    const read = records
      .map(({ version }) => version)
      .sort((a, b) => a - b)
      .map((version) => readRevision(this.#endpoint, namespace, release, version))
    return (await Promise.all(read)).flatMap((stored) => (stored === null ? [] : [stored.record]))
  }

  /** Helm's newest record; throws when there is none. */
  async newest(namespace: string, release: string): Promise<StoredRecord['record']> {
    const newest = (await this.records(namespace, release)).at(-1)
    if (newest === undefined) throw new Error(`Helm has no record of ${release}`)
    return newest
  }

  deployment(namespace: string, name: string): Promise<Deployment | null> {
    return this.client.find<Deployment>(resources.deployments, { namespace, name })
  }

  /** The data of a ConfigMap; null when there is none. */
  async config(namespace: string, name: string): Promise<Readonly<Record<string, string>> | null> {
    const found = await this.client.find<ConfigMap>(resources.configMaps, { namespace, name })
    return found === null ? null : (found.data ?? {})
  }

  /** The pods that are not on their way out. */
  async pods(namespace: string): Promise<readonly Pod[]> {
    const { items } = await this.client.list<Pod>(resources.pods, { namespace })
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  }

  /** Ends the hook of the chart `hooked` that runs in a namespace: until then it runs for `heldHook`. */
  async endHook(namespace: string): Promise<void> {
    const running = await eventually('the hook runs', async () => {
      const pods = await this.pods(namespace)
      return pods.find(({ metadata }) => metadata.annotations?.[runMs] === String(heldHook.runMs))
    })
    const body = { metadata: { annotations: { [runMs]: '0' } } }
    await this.client.patch(resources.pods, { namespace, name: running.metadata.name }, { type: 'merge', body })
  }

  /** A quota of so many pods. When this resolves it has counted those that run: as many, unless said. */
  async limitPods(namespace: string, most: number, running = most, name = 'limits'): Promise<void> {
    const metadata = { name, namespace }
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard: { pods: `${most}` } } }
    await this.client.create(resources.resourceQuotas, quota)
    await eventually('the quota counts', async () => {
      const { status } = await this.client.get<Quota>(resources.resourceQuotas, metadata)
      return status?.used?.pods === `${running}`
    })
  }

  /** Kind and name of everything of these kinds in a namespace, without what helm and Kubernetes keep for themselves. */
  async names(namespace: string, resource: Resource): Promise<readonly string[]> {
    const { items } = await this.client.listMetadata(resource, { namespace })
    return items.map(({ metadata }) => metadata.name).filter((name) => name !== 'kube-root-ca.crt')
  }

  close(): Promise<void> {
    return this.#endpoint.close()
  }
}

export function isReady(pod: Pod): boolean {
  return (pod.status.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True')
}
