import { randomUUID } from 'node:crypto'
import { type KubeObject, type Resource, resources } from '../../../../src/infra/kubernetes/index.ts'
import { chartVersions } from '../../support/charts.ts'
import { isReady, type Pod } from '../../support/cluster-view.ts'
import { eventually } from '../../support/eventually.ts'
import { health } from '../../support/on-both.ts'
import type { ReleaseHandle } from '../../support/releases.ts'
import {
  type Execution,
  initiate,
  initiated,
  type RegisteredComponent,
  registerComponent,
  started,
  type UpgradeHandle,
  upgradeRequest,
} from '../../support/upgrades.ts'
import type { Place, World } from '../../support/world.ts'

export type Kind = 'Deployment' | 'StatefulSet' | 'DaemonSet'
export type Workload = KubeObject & { readonly spec: Readonly<Record<string, unknown>> }
/** A pod of the fleet, as the cluster has it. */
export type FleetPod = {
  /** The workload that it belongs to. */
  readonly app: string
  readonly uid: string
  readonly name: string
  /** The version of the chart that it runs. */
  readonly version: string
  /** The hash of its template: the label by which the cluster tells versions apart. */
  readonly hash: string
  readonly ready: boolean
}

export const kinds: Readonly<Record<Kind, Resource>> = {
  Deployment: resources.deployments,
  StatefulSet: resources.statefulSets,
  DaemonSet: resources.daemonSets,
}

const versionOfTag = new Map(Object.entries(chartVersions).map(([version, tag]) => [tag as string, version]))

export type FleetOptions = {
  readonly kind: Kind
  /** Replicas; of a DaemonSet the nodes of its pool, see `makePool`. */
  readonly size: number
  readonly version?: string
  readonly values?: object
}

/** A release of the chart `fleet` as `app`, in a place of its own: one workload whose pods are instances. */
export class Fleet {
  readonly world: World
  readonly component: RegisteredComponent
  readonly place: Place
  readonly release: ReleaseHandle
  readonly kind: Kind
  readonly size: number

  private constructor(
    world: World,
    component: RegisteredComponent,
    place: Place,
    release: ReleaseHandle,
    { kind, size }: Pick<FleetOptions, 'kind' | 'size'>,
  ) {
    this.world = world
    this.component = component
    this.place = place
    this.release = release
    this.kind = kind
    this.size = size
  }

  /** Given a fleet, all ready. */
  static async install(world: World, component: RegisteredComponent, options: FleetOptions): Promise<Fleet> {
    const { kind, size, version = '1.0.0', values = {} } = options
    const place = world.place()
    const pool = kind === 'DaemonSet' ? poolOf(size) : ''
    const valuesOverride = { kind, replicas: size, pool, ...values }
    const release = await place.installed({ chartName: 'fleet', chartVersion: version, valuesOverride })
    return new Fleet(world, component, place, release, options)
  }

  get namespace(): string {
    return this.place.namespace
  }

  /** A quick upgrade from the first version to the second, unless `more` says otherwise. */
  request(more: object = {}): object {
    return upgradeRequest(this.component, more)
  }

  initiate(more: object = {}) {
    return initiate(this.world.api, this.place.tenantId, this.request(more))
  }

  initiated(more: object = {}): Promise<UpgradeHandle> {
    return initiated(this.world.api, this.place.tenantId, this.request(more))
  }

  started(more: object = {}): Promise<UpgradeHandle> {
    return started(this.world.api, this.place.tenantId, this.request(more))
  }

  /** The pods of the workload that are not on their way out. */
  async pods(name = 'app'): Promise<readonly FleetPod[]> {
    return (await this.allPods()).filter(({ app }) => app === name)
  }

  /** Those of the second workload too. */
  async allPods(): Promise<readonly FleetPod[]> {
    return (await this.world.cluster.pods(this.namespace)).map(fleetPod)
  }

  /** The same fleet, asked for of another server. */
  at(world: World): Fleet {
    const place = this.place.at(world.api)
    const release = place.handle({ id: this.release.id, namespace: this.namespace, releaseName: 'app' })
    return new Fleet(world, this.component, place, release, this)
  }

  async uids(): Promise<readonly string[]> {
    return (await this.pods()).map(({ uid }) => uid).sort()
  }

  /** UIDs of the pods that the Service sends to. */
  async endpoints(): Promise<readonly string[]> {
    const labelSelector = 'kubernetes.io/service-name=app'
    const within = { namespace: this.namespace, labelSelector }
    const { items } = await this.world.cluster.client.list<EndpointSlice>(resources.endpointSlices, within)
    return items.flatMap(servedBy)
  }

  workload(name = 'app', kind: Kind = this.kind): Promise<Workload> {
    return this.world.cluster.client.get<Workload>(kinds[kind], { namespace: this.namespace, name })
  }

  service(): Promise<Workload | null> {
    return this.world.cluster.client.find<Workload>(resources.services, { namespace: this.namespace, name: 'app' })
  }

  /** Another hand's change of the workload. */
  async touch(spec: object, resource: Resource = kinds[this.kind]): Promise<void> {
    const body = { spec } as never
    const named = { namespace: this.namespace, name: 'app' }
    await this.world.cluster.client.patch(resource, named, { type: 'merge', body })
  }

  /** Another hand's deletion of a pod. */
  async kill({ name }: FleetPod): Promise<void> {
    await this.world.cluster.client.delete(resources.pods, { namespace: this.namespace, name })
  }

  /**
   * Something goes wrong with a pod that runs: `sick` answers no health check though it is ready, `crash` is not ready.
   * `none` heals, what came with its image too.
   */
  async breaks({ name }: FleetPod, fault: 'sick' | 'crash' | 'none' | null): Promise<void> {
    const body = { metadata: { annotations: { 'practice.flotilla.dev/fault': fault } } }
    const named = { namespace: this.namespace, name }
    await this.world.cluster.client.patch(resources.pods, named, { type: 'merge', body })
  }

  /** Waits until the fleet is so many ready pods, of whichever versions. */
  reachesReady(count: number): Promise<true> {
    return eventually(`${this.namespace}: ${count} ready`, async () => {
      const pods = await this.pods()
      return pods.length === count && pods.every(({ ready }) => ready)
    }) as Promise<true>
  }

  /** Waits until the fleet is so many ready pods of these versions and nothing else. */
  reaches(wanted: Versions, name = 'app'): Promise<readonly FleetPod[]> {
    return eventually(
      `${this.namespace}: ${JSON.stringify(wanted)}`,
      async () => {
        const pods = await this.pods(name)
        const seen = versionsOf(pods)
        const all = pods.every(({ ready }) => ready)
        if (all && JSON.stringify(seen) === JSON.stringify(versionsOf(expand(wanted)))) return pods
        throw new Error(JSON.stringify(seen))
      },
      { withinMs: 60_000 },
    )
  }
}

export type Versions = Readonly<Record<string, number>>

/** How many pods run each version, in the order of versions. */
export function versionsOf(pods: readonly Pick<FleetPod, 'version'>[]): Versions {
  const names = [...new Set(pods.map(({ version }) => version))].sort()
  return Object.fromEntries(names.map((name) => [name, pods.filter(({ version }) => version === name).length]))
}

const expand = (versions: Versions) =>
  Object.entries(versions).flatMap(([version, count]) => Array.from({ length: count }, () => ({ version })))

export type EndpointSlice = KubeObject & {
  /** Null where there is none. */
  readonly endpoints:
    | readonly {
        readonly conditions?: { readonly ready?: boolean }
        readonly targetRef?: { readonly uid?: string }
      }[]
    | null
}

/** UIDs of the pods that take traffic by a slice. */
export const servedBy = ({ endpoints }: EndpointSlice): readonly string[] =>
  (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false).map(({ targetRef }) => targetRef?.uid ?? '')

/** What a pod of the chart is, read from the pod alone. */
export function fleetPod(pod: Pod): FleetPod {
  const { uid = '', name, labels = {} } = pod.metadata
  const tag = pod.spec.containers[0]?.image.split(':').at(-1) ?? ''
  const hash = labels['pod-template-hash'] ?? labels['controller-revision-hash'] ?? ''
  return { app: labels.app ?? '', uid, name, version: versionOfTag.get(tag) ?? tag, hash, ready: isReady(pod) }
}

/** The component of the chart `fleet`, whose pods answer a health endpoint where they can. */
export const registerFleet = ({ api }: World): Promise<RegisteredComponent> =>
  registerComponent(api, { chartName: 'fleet', ...health })

/** A quota of so many pods. When this resolves it has counted those that run: as many, unless said. */
export const limitPods = ({ world, namespace }: Fleet, most: number, running = most, name = 'limits'): Promise<void> =>
  world.cluster.limitPods(namespace, most, running, name)

/** Of this test file alone: others may run on the same cluster. */
const file = randomUUID().slice(0, 8)
const poolOf = (size: number): string => `${file}-${size}`

/** Nodes for DaemonSets of so many instances. */
export async function makePool(world: World, size: number): Promise<void> {
  for (let n = 0; n < size; n++) await addToPool(world, size, `${n}`)
}

/** One more node for the DaemonSets of a pool. It is cordoned and tainted: no pod of another test lives there and goes with it. */
export async function addToPool({ cluster, owns }: World, size: number, name: string): Promise<void> {
  const pool = poolOf(size)
  const metadata = { name: `pool-${pool}-${name}`, labels: { pool } }
  owns(resources.nodes, metadata.name)
  await cluster.client.create(resources.nodes, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata,
    spec: { unschedulable: true, taints: [{ key: 'pool', effect: 'NoSchedule' }] },
  } as KubeObject)
}

/** Lets a STAGED execution and a canary go on, however often they ask, until it has come to its end. */
export async function approved(execution: UpgradeHandle, withinMs = 90_000): Promise<Execution> {
  for (;;) {
    const seen = await execution.until('wants something', asksOrEnded, { withinMs, everyMs: 150 })
    if (seen.endedAt !== null) return seen
    await execution.give(seen.status === 'PAUSED' ? 'resume' : 'promote-canary')
  }
}

const asksOrEnded = ({ status, endedAt }: Execution): boolean =>
  endedAt !== null || status === 'CANARY_MONITORING' || status === 'PAUSED'
