import { isDeepStrictEqual } from 'node:util'
import type { JsonObject } from '../../../../src/core/json.ts'
import type { Uuid } from '../../../../src/core/subject.ts'
import { systemClock } from '../../../../src/infra/clock.ts'
import type { Lease } from '../../../../src/infra/engine/index.ts'
import { keepFields } from '../../../../src/infra/helm/gateway/keeps.ts'
import {
  type ClusterClient,
  isReady,
  type KubeObject,
  type Resource,
  resources,
} from '../../../../src/infra/kubernetes/index.ts'
import type { Execution, FleetSight, GatePosition, PodRef, WorkloadKind } from '../../../../src/upgrades/core/model.ts'
import type { FleetDriver, Held } from '../../../../src/upgrades/drivers/driver.ts'
import { gateKinds } from '../../../../src/upgrades/drivers/fleet/context.ts'
import { type FleetPod, refOf } from '../../../../src/upgrades/drivers/fleet/members.ts'
import { frozenWorkloads } from '../../../../src/upgrades/drivers/frozen.ts'
import type { Workload } from '../../../../src/upgrades/drivers/gate/model.ts'
import { workloadDriver } from '../../../../src/upgrades/drivers/workload-driver.ts'
import { executionOf } from './execution.ts'
import type { World } from './world.ts'

export type Present = Extract<FleetSight, { kind: 'present' }>
export type Versions = Readonly<Record<string, number>>
export type FleetOptions = {
  readonly replicas?: number
  readonly spec?: JsonObject
}

const DEADLINE_MS = 30_000
const POLL_MS = 40

/** A workload in a namespace of its own, the execution that upgrades it, and the driver under test. */
export class TestFleet {
  readonly world: World
  readonly kind: WorkloadKind
  readonly name: string
  readonly namespace: string
  readonly releaseId: Uuid
  readonly spec: JsonObject
  execution: Execution
  driver: FleetDriver
  lease: Lease

  private constructor(
    world: World,
    start: Pick<TestFleet, 'kind' | 'name' | 'namespace' | 'releaseId' | 'spec'>,
    execution: Execution,
    lease: Lease,
  ) {
    this.world = world
    this.kind = start.kind
    this.name = start.name
    this.namespace = start.namespace
    this.releaseId = start.releaseId
    this.spec = start.spec
    this.execution = execution
    this.lease = lease
    this.driver = workloadDriver(world.parts())
  }

  /** Applied in version 1.0.0, all ready. */
  static async open(world: World, kind: WorkloadKind, options: FleetOptions = {}): Promise<TestFleet> {
    const { replicas = 4, spec = {} } = options
    const own = kind === 'DaemonSet' ? spec : { replicas, ...spec }
    const fleet = await TestFleet.adopt(world, kind, own)
    await fleet.apply('1.0.0')
    await fleet.reaches({ '1.0.0': kind === 'DaemonSet' ? await fleet.nodes() : replicas })
    return fleet
  }

  /** A namespace, a release and an execution, for a workload that is still to be made. */
  static async adopt(world: World, kind: WorkloadKind, spec: JsonObject = {}): Promise<TestFleet> {
    const namespace = await world.cluster.namespace('drivers')
    const releaseId = await world.release(namespace)
    const execution = executionOf(releaseId, world.tenantId, { kind, name: 'app' })
    await world.begin(execution)
    const start = { kind, name: 'app', namespace, releaseId, spec }
    return new TestFleet(world, start, execution, await world.lease(execution))
  }

  get client(): ClusterClient {
    return this.world.cluster.client
  }

  /** What helm does: a server-side apply of what a chart renders, in helm's name. */
  async apply(version: string, spec: JsonObject = {}, options: { readonly force?: boolean } = {}): Promise<Workload> {
    return this.applyAs(this.name, this.kind, version, { ...this.spec, ...spec }, options)
  }

  /** The same as a release does it beneath a gate: the gateway keeps the fields that hold the workload. */
  async applyBeneath(version: string, spec: JsonObject): Promise<Workload> {
    const { kind, name, namespace } = this
    const { resource } = gateKinds[kind]
    const release = { id: this.releaseId, clusterId: this.world.clusterId, namespace }
    const keeps = await frozenWorkloads(this.world.parts()).bounds(release)
    const whole = bodyOf(name, kind, version, { ...this.spec, ...spec })
    const at = { kind: 'object', group: 'apps', version: 'v1', resource: resource.plural, namespace, name } as const
    const body = JSON.parse(keepFields(Buffer.from(JSON.stringify(whole)), at, keeps, 'whole').toString()) as JsonObject
    return this.client.patch<Workload>(resource, { namespace, name }, { type: 'apply', body, fieldManager: 'helm' })
  }

  async applyAs(
    name: string,
    kind: WorkloadKind,
    version: string,
    spec: JsonObject = {},
    options = {},
  ): Promise<Workload> {
    const { resource } = gateKinds[kind]
    const body = bodyOf(name, kind, version, spec)
    const patch = { type: 'apply', body, fieldManager: 'helm', ...options } as const
    return this.client.patch<Workload>(resource, { namespace: this.namespace, name }, patch)
  }

  live(name = this.name, kind = this.kind): Promise<Workload> {
    return this.client.get<Workload>(gateKinds[kind].resource, { namespace: this.namespace, name })
  }

  /** Another hand's change. */
  async touch(spec: JsonObject): Promise<void> {
    const named = { namespace: this.namespace, name: this.name }
    await this.client.patch(gateKinds[this.kind].resource, named, { type: 'merge', body: { spec } })
  }

  /** What `kubectl get -o yaml | kubectl replace --force -f -` does, or a backup that is restored: the same, as another object. */
  async replaced(kept: Workload | null = null): Promise<void> {
    const { resource } = gateKinds[this.kind]
    await replace(this.client, resource, kept ?? (await this.live()))
  }

  async pods(name = this.name): Promise<readonly FleetPod[]> {
    const within = { namespace: this.namespace, labelSelector: `app=${name}` }
    return (await this.client.list<FleetPod>(resources.pods, within)).items
  }

  /** Pods that are not on their way out. */
  async alive(name = this.name): Promise<readonly FleetPod[]> {
    return (await this.pods(name)).filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  }

  async podsOf(version: string): Promise<readonly PodRef[]> {
    return (await this.alive()).filter((pod) => versionOf(pod) === version).map(refOf)
  }

  async versions(name = this.name): Promise<Versions> {
    return countVersions(await this.alive(name))
  }

  /** Waits until exactly so many ready pods run these versions; never with fewer ready pods than `least` on the way. */
  async reaches(wanted: Versions, least = 0, name = this.name): Promise<void> {
    const end = Date.now() + DEADLINE_MS
    for (;;) {
      const pods = await this.alive(name)
      const ready = pods.filter(isReady).length
      if (ready < least) throw new Error(`only ${ready} pods were ready, ${least} are promised`)
      const seen = countVersions(pods)
      if (ready === pods.length && isDeepStrictEqual({ ...seen }, { ...wanted })) return
      if (Date.now() > end)
        throw new Error(`wanted ${JSON.stringify(wanted)}, at last ${JSON.stringify(seen)}, ${ready} ready`)
      await systemClock.sleep(POLL_MS)
    }
  }

  /** Watches that nothing moves: the very same pods stay. The only way to see that nothing happens. */
  async holds(ms = 1200, name = this.name): Promise<void> {
    const before = uidsOf(await this.alive(name))
    const end = Date.now() + ms
    while (Date.now() < end) {
      const now = uidsOf(await this.alive(name))
      if (!isDeepStrictEqual(now, before)) throw new Error(`pods moved: ${before} became ${now}`)
      await systemClock.sleep(POLL_MS)
    }
  }

  /** The nodes that the cluster comes with: suites beside this one add others, with taints. */
  async nodes(): Promise<number> {
    return (await this.client.list(resources.nodes, { labelSelector: 'kubernetes.io/os=linux' })).items.length
  }

  gate(position: GatePosition, take: readonly PodRef[] = []): Promise<void> {
    return this.driver.gate(this.execution, position, take, heldBy(this.lease))
  }

  admit(upTo: number, surge = 0, take: readonly PodRef[] = []): Promise<void> {
    return this.gate({ kind: 'admitting', upTo, surge }, take)
  }

  pin(to: 'previous' | 'target' | null): Promise<void> {
    return this.driver.pin(this.execution, to, heldBy(this.lease))
  }

  async see(look: { readonly aboutToGo?: readonly PodRef[]; readonly probe?: boolean } = {}): Promise<Present> {
    const { aboutToGo = [], probe = false } = look
    const sight = await this.driver.observe(this.execution, { aboutToGo, wantsProbe: () => probe })
    if (sight.kind === 'gone') throw new Error(sight.why)
    return sight
  }

  /** Closed, and upgraded by helm. */
  async upgraded(version = '2.0.0', spec: JsonObject = {}): Promise<void> {
    await this.gate({ kind: 'closed' })
    await this.apply(version, spec)
  }

  /** The next execution on the same release. */
  async next(versions: { readonly from: string; readonly to: string }): Promise<void> {
    const { target, tenantId } = this.execution
    if (target.kind !== 'workload') throw new Error('no workload')
    await this.world.giveUp(this.lease)
    const fresh = executionOf(this.releaseId, tenantId, target.workload)
    const [from, to] = [versions.from, versions.to].map((version) => ({
      ...fresh.from,
      version,
      chartVersion: version,
    }))
    if (from === undefined || to === undefined) throw new Error('no versions')
    this.execution = { ...fresh, from, to, deployed: false }
    await this.world.begin(this.execution)
    this.lease = await this.world.lease(this.execution)
  }

  /** Another worker takes the execution over. */
  async takeOver(): Promise<void> {
    await this.world.giveUp(this.lease)
    this.lease = await this.world.lease(this.execution)
  }
}

/** Deletes an object and makes it anew, with a name of its own and what it said. */
export async function replace<T extends KubeObject>(client: ClusterClient, resource: Resource, kept: T): Promise<void> {
  const { name, namespace, labels, annotations } = kept.metadata
  await client.delete(resource, kept.metadata)
  const metadata = { name, ...pick({ namespace, labels, annotations }) }
  const body = { ...kept, metadata, status: undefined }
  for (;;) {
    const there = await client.find(resource, kept.metadata)
    if (there === null) break
    await systemClock.sleep(POLL_MS)
  }
  await client.create<KubeObject>(resource, body as KubeObject)
}

const pick = (all: object): object => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))

export const uidsOf = (pods: readonly KubeObject[]): readonly string[] =>
  pods.map(({ metadata }) => metadata.uid ?? '').toSorted()

export function versionOf({ spec }: FleetPod): string {
  const [container] = (spec?.containers ?? []) as readonly { readonly image: string }[]
  return (container?.image.split(':')[1] ?? '').split('-')[0] ?? ''
}

function countVersions(pods: readonly FleetPod[]): Versions {
  const counts: Record<string, number> = {}
  for (const pod of pods) counts[versionOf(pod)] = (counts[versionOf(pod)] ?? 0) + 1
  return counts
}

const bodyOf = (name: string, kind: WorkloadKind, version: string, spec: JsonObject): JsonObject => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name },
  spec: specOf(name, kind, version, spec),
})

/** `version` may carry a fault as its suffix: `2.0.0-crash`. */
function specOf(name: string, kind: WorkloadKind, version: string, spec: JsonObject): JsonObject {
  const containers = [{ name: 'main', image: `registry.invalid/app:${version}`, ports: [{ containerPort: 8080 }] }]
  return {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers } },
    ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
    ...spec,
  }
}

/** What an act is carried out under, without a deadline of its own. */
export function heldBy(lease: Lease): Held {
  return { lease, signal: lease.signal }
}
