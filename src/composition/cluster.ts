import type { Clock } from '../core/instant.ts'
import type { Uuid } from '../core/subject.ts'
import {
  type ClusterClient,
  createClient,
  createDiscovery,
  createEndpoint,
  createHealthWatch,
  createHelmWatch,
  createReleaseView,
  createTenantAccess,
  createTransport,
  type Discovery,
  type HealthChange,
  loadKubeconfig,
  selectContext,
} from '../infra/kubernetes/index.ts'
import type { Log } from '../infra/log.ts'
import { ClusterFollower, followHealth, type ReleaseCluster, type ReleaseDeps } from '../releases/index.ts'

/** A cluster that this server reaches: what releases need of it, and its watches. */
export type ConnectedCluster = {
  /** The name of its kubeconfig context. */
  readonly name: string
  readonly server: string
  readonly cluster: ReleaseCluster
  /** Reads and writes objects with Flotilla's own rights: what drivers of upgrades are made of. */
  readonly client: ClusterClient
  /** Which kinds it serves. */
  readonly discovery: Discovery
  /** Follows Helm's records and the workloads until the signal is aborted. */
  follow(deps: ReleaseDeps, clusterId: Uuid, onHealth: OnHealth, signal: AbortSignal): Promise<void>
  /** Resolves when the API server answers, rejects otherwise. */
  ping(signal: AbortSignal): Promise<void>
  /** Throws `AccessRefused` where the cluster lets Flotilla act for no tenant. */
  checkAccess(): Promise<void>
  close(): Promise<void>
}
export type OnHealth = (changes: readonly HealthChange[]) => void

/** Labels of a namespace that Flotilla creates (SECURITY.md: pods there are held to the baseline standard). */
function namespaceLabels(tenantId: Uuid): Readonly<Record<string, string>> {
  return { 'flotilla.dev/tenant': tenantId, 'pod-security.kubernetes.io/enforce': 'baseline' }
}

/** Who a tenant's charts are in the cluster. */
const tenantUser = (tenantId: Uuid): string => `flotilla:tenant:${tenantId}`

/** Connects to the cluster of a kubeconfig's context. Nothing is asked of it yet. Throws `KubeconfigError`. */
export function connectCluster(kubeconfig: string, contextName: string, clock: Clock, log: Log): ConnectedCluster {
  const context = selectContext(loadKubeconfig(kubeconfig), contextName)
  const endpoint = createEndpoint(context, clock)
  const transport = createTransport(endpoint)
  const client = createClient({ endpoint, clock, transport })
  const view = createReleaseView(client, clock)
  const access = createTenantAccess(client, clock)
  const tenantClient = async ({ tenantId, namespace }: { tenantId: Uuid; namespace: string }) =>
    createClient({ endpoint: await access.as(tenantUser(tenantId), namespace), clock })
  const cluster: ReleaseCluster = {
    endpoint,
    readiness: (manifest, namespace, options) => view.readiness(manifest, namespace, options),
    remains: (manifest, namespace, release, options) => view.remains(manifest, namespace, release, options),
    leftBehind: (history, namespace, release) => view.leftBehind(history, namespace, release),
    evidence: (manifest, namespace, since) => view.evidence(manifest, namespace, since),
    hookEvidence: (manifest, namespace, since) => view.hookEvidence(manifest, namespace, since),
    unfinishedHooks: (manifest, namespace, since) => view.unfinishedHooks(manifest, namespace, since),
    remainingEvidence: (manifest, namespace) => view.remainingEvidence(manifest, namespace),
    conflicts: async (manifest, room) => view.conflicts(manifest, room.namespace, await tenantClient(room)),
    overwritten: async (manifest, room) => view.overwritten(manifest, room.namespace, await tenantClient(room)),
    removePods: (namespace, pods) => view.removePods(namespace, pods),
    ensureNamespace: async (namespace, tenantId) => {
      if (await view.ensureNamespace(namespace, namespaceLabels(tenantId))) access.forget(namespace)
    },
    asTenant: (tenantId, namespace) => access.as(tenantUser(tenantId), namespace),
    doubtTenant: (namespace) => access.forget(namespace),
    isTerminating: (namespace) => view.isTerminating(namespace),
    unserved: (kinds, signal) => view.unserved(kinds, signal),
  }
  return {
    name: context.name,
    server: endpoint.server.origin,
    cluster,
    client,
    discovery: createDiscovery(client, clock),
    follow: async (deps, clusterId, onHealth, signal) => {
      const follower = new ClusterFollower(deps, clusterId, log)
      const onChange = ({ namespace, release }: { namespace: string; release: string }) =>
        follower.touch(namespace, release)
      const records = createHelmWatch({ transport, clock, random: Math.random, signal, onChange })
      const health = createHealthWatch({ transport, clock, random: Math.random, signal, onChange: onHealth })
      const vouching = followHealth(deps, clusterId, health, log, signal)
      await Promise.all([records.run(), health.run(), follower.run(records, signal), vouching])
    },
    ping: async (signal) => void (await client.text('/version', { signal, timeoutMs: 5_000 })),
    checkAccess: () => access.check(),
    close: () => endpoint.close(),
  }
}
