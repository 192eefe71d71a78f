import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { openCharts } from '../../../src/composition/charts.ts'
import { connectCluster } from '../../../src/composition/cluster.ts'
import { openHelm } from '../../../src/composition/helm.ts'
import { Stops } from '../../../src/composition/stops.ts'
import { readConfig } from '../../../src/config.ts'
import type { Principal, Uuid } from '../../../src/core/subject.ts'
import { systemClock as clock } from '../../../src/infra/clock.ts'
import { openListener } from '../../../src/infra/database/listen.ts'
import { transaction } from '../../../src/infra/database/pool.ts'
import type { Db, Tx } from '../../../src/infra/database/types.ts'
import { driverOf, startWorker, wake } from '../../../src/infra/engine/index.ts'
import { loadKubeconfig, selectContext } from '../../../src/infra/kubernetes/index.ts'
import { silentLog as log } from '../../../src/infra/log.ts'
import { createVault, vaultKey } from '../../../src/infra/secrets/vault.ts'
import { install } from '../../../src/releases/commands/install.ts'
import { readRelease } from '../../../src/releases/commands/reads.ts'
import {
  clusterMachine,
  type ExecutionOrders,
  type Executions,
  executionOrders,
  type FrozenRelease,
  type FrozenWorkloads,
  type ReleaseDeps,
  ReleaseStates,
  releaseMachine,
  releaseReads,
} from '../../../src/releases/index.ts'
import { Hand } from '../../scenarios/support/hand.ts'
import { practiceCluster } from '../../support/cluster.ts'
import { freshDatabase } from '../../support/database.ts'
import { helmCache } from '../../support/tested-helm.ts'

/** Everything that releases need, all of it real, but for the parts that upgrade executions bring. */
export type ReleasesWorld = {
  readonly db: Db
  readonly deps: ReleaseDeps
  readonly orders: ExecutionOrders
  readonly hand: Hand
  readonly call: { readonly principal: Principal; readonly reason: null; onAccept(): Promise<void> }
  /** What was asked of the frozen workloads, in order: `halt RELEASE`. */
  readonly thawed: string[]
  /** What the execution does when it is cancelled; tests set it. */
  cancelled: Executions['cancelNow']
  /** Runs in a transaction, at the present moment. */
  within<T>(body: (tx: Tx, now: number) => Promise<T>): Promise<T>
  /** The row of an execution that is active. */
  execution(): Promise<Uuid>
  /** A release of the sample chart, DEPLOYED in 1.0.0. */
  installed(): Promise<{ readonly id: Uuid; readonly namespace: string }>
  read(id: Uuid): ReturnType<typeof readRelease>
  close(): Promise<void>
}

const chart = 'matih-query-engine'

/** Opens one, once a test file: call it in `beforeAll`. */
export async function openReleases(): Promise<ReleasesWorld> {
  const stops = new Stops(log)
  const home = await mkdtemp(join(tmpdir(), 'flotilla-releases-'))
  stops.add('home', () => rm(home, { recursive: true, force: true }))
  const cluster = await practiceCluster()
  stops.add('cluster', () => cluster.stop())
  const database = await freshDatabase({ max: 16 })
  stops.add('database', () => database.close())
  const { db } = database
  const config = readConfig({ FLOTILLA_HOME: home }, home)
  const helm = await openHelm({ ...config, helmBin: config.helmBin, home: helmCache }, clock, log, stops)
  const vault = createVault([vaultKey(randomBytes(32))])
  const kubeVersion = 'v1.35.0'
  const newId = () => randomUUID() as Uuid
  const { charts } = await openCharts({ config, db, vault, helm, clock, newId, kubeVersion })
  const context = selectContext(loadKubeconfig(cluster.kubeconfig)).name
  const connected = connectCluster(cluster.kubeconfig, context, clock, log)
  stops.add('connection', () => connected.close())
  const place = await insertPlace(db)
  const tenants = {
    requirePlace: async () => undefined,
    placeInstall: async (_tx: Tx, _principal: Principal, _tenant: Uuid, namespace: string) => ({ ...place, namespace }),
    ownerOf: async () => place.tenantId,
    exists: async () => true,
  }
  const thawed: string[] = []
  const asked = { cancelled: async () => {} } as Pick<ReleasesWorld, 'cancelled'>
  const ports = {
    ...{ helm, charts, tenants, clusters: { of: () => connected.cluster } },
    frozenWorkloads: recording(thawed),
    executions: { cancelNow: (id: Uuid, by: Principal) => asked.cancelled(id, by), waits: async () => new Map() },
  }
  const store = { states: new ReleaseStates(vault), readOne: releaseReads({ db, vault, clock, ...ports }) }
  const base = { db, vault, clock, newId, kubeVersion, previewKey: randomBytes(32), ...store }
  const deps: ReleaseDeps = { ...base, ports, machine: releaseMachine({ ...base, ports }, log) }
  const hand = new Hand(cluster.kubeconfig)
  stops.add('hand', async () => hand.remove())
  await startWork(database.url, deps, connected, place.clusterId, stops)
  const principal: Principal = { id: 'key:test', name: 'test', role: 'platform-admin', tenants: 'all' }
  const call = { principal, reason: null, onAccept: async () => {} }
  const read = (id: Uuid) => readRelease(deps, principal, id)
  return Object.assign(asked, {
    ...{ db, deps, hand, call, thawed, read, orders: executionOrders(deps) },
    within: <T>(body: (tx: Tx, now: number) => Promise<T>) => transaction(db, (tx) => body(tx, clock.now())),
    execution: () => insertExecution(db, place.tenantId),
    installed: async () => {
      const namespace = await cluster.namespace('releases')
      const { tenantId } = place
      const body = { tenantId, releaseName: 'web', namespace, chartName: chart, chartVersion: '1.0.0' }
      const { releaseId } = await install(deps, call, { ...body, valuesOverride: { replicaCount: 2 } })
      return { id: releaseId, namespace }
    },
    close: () => stops.stopAll(),
  })
}

const untouched = {
  ...{ traffic: async () => null, versions: async () => null, repin: async () => undefined },
  stillHeld: async () => false,
  templates: async () => 'unknown' as const,
}

/** In place of the upgrades' own: it remembers what was asked, and does nothing. */
function recording(thawed: string[]): FrozenWorkloads {
  const record = (what: string) => async (release: FrozenRelease) => void thawed.push(`${what} ${release.id}`)
  return {
    halt: record('halt'),
    restore: record('restore'),
    pins: async () => [],
    bounds: async () => [],
    scaled: async () => [],
    ...untouched,
  }
}

async function startWork(
  url: string,
  deps: ReleaseDeps,
  connected: ReturnType<typeof connectCluster>,
  clusterId: Uuid,
  stops: Stops,
): Promise<void> {
  const listener = openListener(url, log)
  stops.add('listener', () => listener.close())
  const stopping = new AbortController()
  const follow = (id: Uuid, signal: AbortSignal) =>
    connected.follow(deps, id, () => {}, AbortSignal.any([signal, stopping.signal]))
  const drivers = [driverOf(deps.machine), driverOf(clusterMachine(follow))]
  const worker = startWorker({ db: deps.db, listener, drivers, concurrency: 4, limits: { cluster: 1 }, clock, log })
  stops.add('worker', async () => {
    stopping.abort()
    await worker.stop({ graceMs: 5_000 })
  })
  await transaction(deps.db, (tx) => wake(tx, { kind: 'cluster', id: clusterId }))
}

/** A cluster, and a tenant on it. */
export async function insertPlace(db: Db): Promise<{ readonly tenantId: Uuid; readonly clusterId: Uuid }> {
  const [tenantId, clusterId] = [randomUUID(), randomUUID()]
  await sql`insert into clusters values (${clusterId}, 'practice', 'practice', now())`.execute(db)
  await sql`insert into tenants values (${tenantId}, 'a', ${clusterId}, null, now())`.execute(db)
  return { tenantId, clusterId }
}

async function insertExecution(db: Db, tenantId: Uuid): Promise<Uuid> {
  const id = randomUUID()
  await sql`insert into executions (id, tenant_id, component_id, rehearsal, status, strategy, request, state,
      performed_by, principal_id, seq, version, created_at)
    values (${id}, ${tenantId}, ${randomUUID()}, false, 'IN_PROGRESS', 'ROLLING', '{}', '{}', 'test', 'test', 0, 0, now())`.execute(
    db,
  )
  return id
}
