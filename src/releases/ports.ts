import type { Waiting } from '../core/decision.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { Principal, Uuid } from '../core/subject.ts'
import type { Db, Tx } from '../infra/database/types.ts'
import type { Lease } from '../infra/engine/types.ts'
import type {
  ClusterEndpoint,
  GrantedObject,
  Helm,
  KeptFields,
  KeptReplicas,
  KeptSelector,
} from '../infra/helm/index.ts'
import type { KindRef, PastRevision } from '../infra/kubernetes/index.ts'
import type { FieldConflict, Frozen, FrozenTraffic, Leftover, Release, Remains } from './core/model.ts'
import type { PodRef, Readiness } from './core/readiness.ts'
import type { HeldTemplates } from './core/without-effect.ts'

/**
 * A hook that has not ended well; `events` as the chart says them, `failed` for good. `problem`: of the newest, why it has no pod or
 * why that has not come up, as the cluster says it, not masked yet; null where nothing is known.
 */
export type UnfinishedHook = {
  readonly kind: string
  readonly name: string
  readonly events: readonly string[]
  readonly failed: boolean
  readonly problem: string | null
}

/** Where a release lives, and whose it is. */
type Room = Pick<Release, 'namespace' | 'tenantId'>

/** One cluster as releases see it. Every method throws when the cluster does not answer. */
export interface ReleaseCluster {
  /** Asked with Flotilla's own rights. */
  readonly endpoint: ClusterEndpoint
  /**
   * Asked as the tenant, who has rights in its own namespaces only: what helm gets (SECURITY.md, "Two walls"). Throws
   * `AccessRefused` where the cluster does not let Flotilla act so.
   */
  asTenant(tenantId: Uuid, namespace: string): Promise<ClusterEndpoint>
  /** The tenant's rights in the namespace are looked at again before the next act: something was refused. */
  doubtTenant(namespace: string): void
  /** Whether the namespace is being deleted: nothing new can be made in it. */
  isTerminating(namespace: string): Promise<boolean>
  /** The first of these kinds that the cluster does not know now; null: it knows all. It has ten seconds, and until the signal. */
  unserved(kinds: readonly KindRef[], signal: AbortSignal): Promise<KindRef | null>
  /** How far the workloads of a manifest are; `jobs` counts plain Jobs too. */
  readiness(manifest: string, namespace: string, options: { jobs: boolean }): Promise<Readiness>
  /** Which objects of a manifest are still there; `marked`: only those that carry the release's own mark. */
  remains(manifest: string, namespace: string, release: string, options?: { marked?: boolean }): Promise<Remains>
  /** What earlier revisions of a release that is gone have left, and the hooks of all of them; newest revision first. */
  leftBehind(history: AsyncIterable<PastRevision>, namespace: string, release: string): Promise<readonly Leftover[]>
  /** Events and last log lines of the pods that are not ready since an operation began: for the tenant only, bounded. */
  evidence(manifest: string, namespace: string, since: number): Promise<Json>
  /** The same of the hooks of an operation that have not ended well; null: there are none. */
  hookEvidence(
    manifest: string,
    namespace: string,
    since: number,
  ): Promise<{ readonly hooks: readonly UnfinishedHook[]; readonly evidence: Json } | null>
  /** Those hooks alone, the newest first. */
  unfinishedHooks(manifest: string, namespace: string, since: number): Promise<readonly UnfinishedHook[]>
  /** The same of what is still there of a release that is being removed. */
  remainingEvidence(manifest: string, namespace: string): Promise<Json>
  /**
   * Which fields of a manifest helm would not get, because another manager owns them. Changes nothing; asked as the tenant,
   * because a dry run needs the right to write.
   */
  conflicts(manifest: string, room: Room): Promise<readonly FieldConflict[]>
  /**
   * Which fields of a manifest a rollback takes from other managers than helm, whatever has applied them. Asked likewise, for
   * a bounded time; of `unknown` objects the cluster did not tell.
   */
  overwritten(
    manifest: string,
    room: Room,
  ): Promise<{ readonly fields: readonly FieldConflict[]; readonly unknown: number }>
  /** Deletes these very pods (by UID); those that are gone are fine. */
  removePods(namespace: string, pods: readonly PodRef[]): Promise<void>
  /** Creates the namespace with the tenant's labels when it is not there. */
  ensureNamespace(namespace: string, tenantId: Uuid): Promise<void>
}

/** The clusters that this server knows, by id. Throws `Problem` cluster_unavailable for one that it does not reach. */
export type Clusters = { of(clusterId: Uuid): ReleaseCluster }

/** A chart that is kept, as a release refers to it. */
export type ResolvedChart = {
  readonly digest: string
  readonly name: string
  readonly version: string
  readonly appVersion: string | null
  readonly hasHooks: boolean
}

/** One object outside of its namespace that a chart may reach, as a path of the API names it. */
export type ChartGrant = Omit<GrantedObject, 'only'> & { readonly chartDigest: string }

/** What releases need of charts. */
export interface Charts {
  /** The one packaged chart of a name and version. Throws `Problem` chart_not_found, chart_version_not_found, … */
  resolve(name: string, version: string): Promise<ResolvedChart>
  /** A chart that is kept, by its digest. Throws `Problem` chart_not_found. */
  kept(digest: string): Promise<ResolvedChart>
  /** The bytes of a chart that is kept. */
  archive(digest: string): Promise<Uint8Array>
  /** Renders the chart without a cluster and checks what it renders. Throws `Problem` with the code of what is wrong. */
  validate(
    chart: ResolvedChart,
    target: Pick<Release, 'name' | 'namespace' | 'tenantId'>,
    values: JsonObject,
  ): Promise<void>
  /** What platform admins have granted these charts outside of their release's namespace. */
  granted(digests: readonly string[]): Promise<readonly ChartGrant[]>
  /** The values as they may be shown: what the chart's schema marks `writeOnly` or `format: password` is `***`. */
  redact(digest: string | null, values: JsonObject): Promise<JsonObject>
  /**
   * Where these values hold `***` in the place of what `redact` hides for one of these charts, as JSON pointers into them.
   * Throws `Problem` for values that pass their limits.
   */
  masked(digests: readonly (string | null)[], values: JsonObject): Promise<readonly string[]>
  /** The texts that the chart marks as secret, in these values and in its defaults: they are shown nowhere. */
  secrets(digest: string | null, values: JsonObject): Promise<readonly string[]>
  /** Keeps a chart repacked from Helm's record, and answers its digest. */
  adopt(archive: Uint8Array): Promise<ResolvedChart>
}

export type InstallPlace = { readonly tenantId: Uuid; readonly clusterId: Uuid; readonly namespace: string }

/** What releases need of tenants. */
export interface Tenants {
  /** Throws what `placeInstall` would throw now, and changes nothing. */
  requirePlace(db: Db, principal: Principal, tenantId: Uuid, namespace: string): Promise<void>
  /**
   * Where an install of this caller goes (SPEC section 2). Registers the tenant and claims the namespace for a platform
   * admin. Throws `Problem` not_found, namespace_not_owned.
   */
  placeInstall(tx: Tx, principal: Principal, tenantId: Uuid, namespace: string): Promise<InstallPlace>
  /** The owner of a namespace; null where nobody has claimed it. */
  ownerOf(tx: Tx, clusterId: Uuid, namespace: string): Promise<Uuid | null>
  /** True when there is such a tenant. */
  exists(db: Db, tenantId: Uuid): Promise<boolean>
}

/** Which release's workloads are meant. */
export type FrozenRelease = Pick<Release, 'id' | 'clusterId' | 'namespace'>

/**
 * The workloads that an execution has left frozen. All are repeatable, look at the lease right before they write, and
 * take a workload that is not there any more for done. They throw `ActFailed` unchanged where something changed since it
 * was read, and anything else where the cluster does not answer: both are tried again.
 */
export interface FrozenWorkloads {
  /**
   * Nothing moves, and no field is Flotilla's any more: helm can apply whatever it wants. It may fail then: what `restore`
   * puts back stays known, and the release stays frozen. `back`: helm is to go back to a revision that it had before.
   */
  halt(release: FrozenRelease, lease: Lease, way: 'on' | 'back'): Promise<void>
  /**
   * The fields are as they were before the freeze, so that everything moves, and nothing is kept of it. Traffic that is
   * pinned to what stays is let free when the rest has gone: until then the act is refused, and tried again.
   */
  restore(release: FrozenRelease, lease: Lease): Promise<void>
  /**
   * How Services stay pinned while helm applies, because the other side has not passed; also where an execution holds the
   * workloads. Changes nothing.
   */
  pins(release: FrozenRelease, lease: Lease): Promise<readonly KeptSelector[]>
  /**
   * The fields that hold the workloads after some of their pods were let go, and stay while helm applies; also where an
   * execution holds them. Changes nothing.
   */
  bounds(release: FrozenRelease): Promise<readonly KeptFields[]>
  /** The workloads that another hand than helm has scaled, and to what. Changes nothing. */
  scaled(release: FrozenRelease): Promise<readonly KeptReplicas[]>
  /** Where traffic goes while it is pinned; null where it is not. Changes nothing. Throws `ClusterError`. */
  traffic(release: FrozenRelease & Pick<Release, 'frozen'>): Promise<FrozenTraffic | null>
  /**
   * How many pods run each version in the workload that the execution has moved: at least the versions that the record names,
   * and the one that helm applied last. Null where no workload is held. Changes nothing. Throws `ClusterError`.
   */
  versions(release: FrozenRelease & Pick<Release, 'frozen'>): Promise<Frozen['versions'] | null>
  /**
   * Whether a workload that an execution has held before carries its note, as one does that was made anew from a copy of that
   * time. Changes nothing. Throws `ClusterError`.
   */
  stillHeld(release: FrozenRelease): Promise<boolean>
  /**
   * Whether all workloads that are held have the pod templates with which they were left frozen. Changes nothing. Throws
   * `ClusterError`.
   */
  templates(release: FrozenRelease): Promise<HeldTemplates>
  /** Pins that serve nobody go to a set that has passed and can serve (docs/adr/0033). */
  repin(release: FrozenRelease, lease: Lease): Promise<void>
}

/** What releases need of upgrade executions. */
export interface Executions {
  /**
   * Cancels an execution at once, not waiting for instances in flight, and resolves when it has ended and holds no release
   * any more; one that has ended already is fine. Throws `Problem` where it cannot be cancelled, and unavailable where
   * `stopping` is aborted first.
   */
  cancelNow(executionId: Uuid, by: Principal, stopping?: AbortSignal): Promise<void>
  /** What releases wait for that these executions hold, by the ids of the executions: until when, or who ends it. */
  waits(executionIds: readonly Uuid[]): Promise<ReadonlyMap<Uuid, Waiting>>
}

export type ReleasePorts = {
  readonly helm: Helm
  readonly clusters: Clusters
  readonly charts: Charts
  readonly tenants: Tenants
  readonly frozenWorkloads: FrozenWorkloads
  readonly executions: Executions
}
