import { createHash, randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { Registry } from 'prom-client'
import { activityRoutes } from '../activity/index.ts'
import type { Config } from '../config.ts'
import type { Uuid } from '../core/subject.ts'
import { systemClock } from '../infra/clock.ts'
import { createEndWaiter, type EndWaiter } from '../infra/engine/index.ts'
import { createEventHub, type EventHub } from '../infra/events/hub.ts'
import { startNumbering } from '../infra/events/numbering.ts'
import { buildApp } from '../infra/http/app.ts'
import type { FeatureRoutes } from '../infra/http/route.ts'
import { createVault } from '../infra/secrets/vault.ts'
import { type RegistryDeps, registryPort, registryRoutes } from '../registry/index.ts'
import { wakeRelays } from '../relay/index.ts'
import {
  batchMachine,
  type ReleaseDeps,
  ReleaseStates,
  releaseMachine,
  releaseReads,
  releaseRoutes,
} from '../releases/index.ts'
import type { SampleMemory } from '../samples/install-fleet.ts'
import type { AdminKeySource } from '../tenants/index.ts'
import { type UpgradeDeps, upgradeRoutes } from '../upgrades/index.ts'
import { handOn, webhookRoutes } from '../webhooks/index.ts'
import { activityDeps } from './activity.ts'
import { apiRoutes, version } from './api.ts'
import { openCharts } from './charts.ts'
import { type ClusterConnections, contextsOf, openClusters } from './clusters.ts'
import { openStorage, type Storage } from './database.ts'
import { openHelm } from './helm.ts'
import { kubeconfigPath } from './practice.ts'
import { registryDeps } from './registry.ts'
import { measureRelays } from './relay.ts'
import { startResealing } from './reseal.ts'
import { sampleMemory } from './sample-memory.ts'
import { type Keys, openKeys, signingSecret } from './secret-key.ts'
import { dependsOn } from './settings.ts'
import type { Stops } from './stops.ts'
import { type OpenTenants, openTenants } from './tenants.ts'
import { laterUpgrades, measureExecutions, openUpgrades } from './upgrades.ts'
import { startUpkeep } from './upkeep.ts'
import { type OpenWebhooks, openWebhooks } from './webhooks.ts'
import { startWork } from './work.ts'

export type Role = 'serve' | 'api' | 'worker'
export type Running = {
  readonly url: string | null
  readonly adminKey: AdminKeySource
  readonly samples: SampleMemory
}

/** What charts are rendered for where no cluster is asked. */
const kubeVersion = 'v1.35.0'

/** Everything that the parts of one process share. */
type Parts = {
  readonly config: Config
  readonly log: Logger
  readonly storage: Storage
  readonly signing: Buffer
  readonly keys: Keys
  readonly clusters: ClusterConnections
  /** The cluster of the current context. */
  readonly currentCluster: Uuid
  readonly tenants: OpenTenants
  readonly chartRoutes: FeatureRoutes
  readonly deps: ReleaseDeps
  readonly registry: RegistryDeps
  readonly upgrades: UpgradeDeps
  readonly webhooks: OpenWebhooks
}

/** Starts everything that a role needs, in order. What was started is in `stops`, also when this throws. */
export async function startServer(config: Config, role: Role, log: Logger, stops: Stops): Promise<Running> {
  const parts = await openParts(config, log, stops)
  startFeed(parts, stops)
  startResealing(parts, stops)
  if (role !== 'api') await startWork(parts, stops)
  const { tenants, deps } = parts
  const url = role === 'worker' ? null : await startHttp(parts, stops)
  return { url, adminKey: tenants.adminKey, samples: sampleMemory(deps.db, deps.clock) }
}

async function openParts(config: Config, log: Logger, stops: Stops): Promise<Parts> {
  const clock = systemClock
  const [storage, kubeconfig] = await both(openStorage(config, log, stops), kubeconfigPath(config, log, stops))
  const { db } = storage.database
  const keys = await openKeys(config, db, clock)
  const signing = await signingSecret(db, keys, clock)
  const vault = createVault(keys)
  const helm = await openHelm(config, clock, log, stops)
  const newId = randomUUID
  const contexts = await dependsOn(
    [config.kubeconfig !== null && 'KUBECONFIG', config.kubeContext !== null && 'KUBE_CONTEXT'],
    () => contextsOf(kubeconfig, config.kubeContext),
  )
  const tenants = await openTenants({ config, db, clock, newId, contexts, log })
  const clusters = openClusters({ kubeconfig, ids: tenants.clusters, clock, log }, stops)
  const currentCluster = tenants.clusters.get(contexts.current) ?? ''
  const { charts, routes: chartRoutes } = await openCharts({ config, db, vault, helm, clock, newId, kubeVersion })
  const { join: joinUpgrades, ...later } = laterUpgrades({ db, clock }, clusters)
  const reach = { of: (id: Uuid) => clusters.of(id).cluster }
  const ports = { helm, clusters: reach, charts, tenants: tenants.port, ...later }
  const previewKey = derivedKey(signing, 'previews')
  const store = { states: new ReleaseStates(vault), readOne: releaseReads({ db, vault, clock, charts, ...later }) }
  const base = { db, vault, clock, newId, kubeVersion, previewKey, ...store, ports }
  const deps: ReleaseDeps = { ...base, machine: releaseMachine(base, log) }
  const registry = registryDeps(config, deps, tenants.port)
  const joined = { releases: deps, registry: registryPort(registry), tenants: tenants.port, clusters }
  const upgrades = openUpgrades(joined)
  joinUpgrades(upgrades, createEndWaiter(storage.listener))
  const webhooks = openWebhooks({ config, db, vault, clock, newId, tenants: tenants.port })
  return {
    config,
    log,
    storage,
    signing,
    keys,
    clusters,
    currentCluster,
    tenants,
    chartRoutes,
    deps,
    registry,
    upgrades,
    webhooks,
  }
}

/** Both, or the first error; but not before either has ended, because what it starts must be among what is stopped. */
async function both<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other])
  return Promise.all([one, other])
}

/** Whatever its role, a process gives events their place and hands them on: there is then always one that does. */
function startFeed({ storage, deps, log }: Parts, stops: Stops): void {
  const numbering = startNumbering({
    db: storage.database.db,
    listener: storage.listener,
    log,
    onNumbered: async (tx, from, to) => {
      await handOn(tx, { from, to }, deps.clock.now())
      await wakeRelays(tx, { from, to })
    },
  })
  stops.add('event feed', () => numbering.stop())
}

async function startHttp(parts: Parts, stops: Stops): Promise<string> {
  const { config, storage, deps } = parts
  startUpkeep(deps, parts.log, stops)
  const app = httpApp(parts, createEventHub(deps.db, storage.listener), createEndWaiter(storage.listener))
  stops.add('HTTP server', () => app.close())
  return dependsOn(['HOST', 'PORT'], () => app.listen({ host: config.host, port: config.port }))
}

function httpApp(parts: Parts, hub: EventHub, ends: EndWaiter): FastifyInstance {
  const { config, log, storage, clusters, currentCluster, tenants, chartRoutes, deps, signing, registry } = parts
  const metrics = new Registry()
  measureExecutions(metrics, deps.db)
  measureRelays(metrics, deps.db, deps.clock)
  return buildApp({
    routes: apiRoutes({
      releases: releaseRoutes({ ...deps, ends, hub }, batchMachine(deps)),
      upgrades: upgradeRoutes({ ...parts.upgrades, hub, ends }),
      registry: registryRoutes(registry),
      charts: chartRoutes,
      tenants: tenants.routes,
      activity: activityRoutes(activityDeps(parts)),
      webhooks: webhookRoutes(parts.webhooks.deps),
    }),
    authenticate: tenants.authenticate,
    authorize: tenants.authorize,
    readiness: [
      { name: 'database', check: () => storage.database.ping() },
      { name: 'cluster', check: (signal) => clusters.of(currentCluster).ping(signal) },
    ],
    db: deps.db,
    clock: deps.clock,
    log,
    metrics,
    metricsOpen: config.metricsOpen,
    publicHost: config.publicHost,
    version,
    signingKey: derivedKey(signing, 'signatures'),
    vault: deps.vault,
    requestsPerSecond: config.requestsPerSecond,
  })
}

/** A key for one purpose, made of the installation's secret. */
function derivedKey(secret: Buffer, purpose: string): Buffer {
  return createHash('sha256').update(`flotilla ${purpose}\n`).update(secret).digest()
}
