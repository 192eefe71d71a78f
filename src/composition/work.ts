import type { Config } from '../config.ts'
import type { Uuid } from '../core/subject.ts'
import { transaction } from '../infra/database/pool.ts'
import { driverOf, startWorker, wake } from '../infra/engine/index.ts'
import { AccessRefused, type HealthChange } from '../infra/kubernetes/index.ts'
import type { Log } from '../infra/log.ts'
import { batchMachine, clusterMachine, type ReleaseDeps, recordHealth } from '../releases/index.ts'
import type { UpgradeDeps } from '../upgrades/index.ts'
import type { ClusterConnections } from './clusters.ts'
import type { Storage } from './database.ts'
import { openRelay } from './relay.ts'
import type { Stops } from './stops.ts'
import type { OpenWebhooks } from './webhooks.ts'

export type WorkParts = {
  readonly config: Config
  readonly storage: Storage
  readonly deps: ReleaseDeps
  readonly upgrades: UpgradeDeps
  readonly webhooks: OpenWebhooks
  readonly clusters: ClusterConnections
  readonly currentCluster: Uuid
  readonly log: Log
}

/** Two cores are full at two CPU-bound helms; waiting ones cost little (DESIGN.md). */
const releasesAtOnce = 8
/**
 * Executions wait for clusters and the database; their helms are the business of their releases. What waits at the same time
 * shares its statements (docs/adr/0047).
 */
const executionsAtOnce = 64
const batchesAtOnce = 4
/** A receiver that hangs holds its slot for 10 s and nothing else: enough slots that no handful of them holds all. */
const webhooksAtOnce = 256
/** One for each topic. */
const relaysAtOnce = 3
/** A running helm gets this long when the server stops (SPEC section 7). */
const graceMs = 20_000

/**
 * How many subjects of the kinds with slots of their own are worked on at once. A cluster is followed for ever and gives
 * its slot to no other: each has one, and one is over for a cluster that the kubeconfig has lost.
 */
export const slotsFor = (clusters: number) =>
  ({
    cluster: clusters + 1,
    batch: batchesAtOnce,
    execution: executionsAtOnce,
    sink: webhooksAtOnce,
    relay: relaysAtOnce,
  }) as const

/** Starts to work on releases, executions, batches, the cluster, webhooks and, with Kafka, its topics. */
export async function startWork(
  { config, storage, deps, upgrades, webhooks, clusters, currentCluster, log }: WorkParts,
  stops: Stops,
): Promise<void> {
  const { db } = storage.database
  const stopping = new AbortController()
  const follow = (id: Uuid, signal: AbortSignal) =>
    clusters.of(id).follow(deps, id, recorder(deps, id, log), AbortSignal.any([signal, stopping.signal]))
  const relay = await openRelay({ config, db, clock: deps.clock, log }, stopping.signal, stops)
  const worker = startWorker({
    db,
    listener: storage.listener,
    drivers: [
      driverOf(deps.machine),
      driverOf(upgrades.machine),
      driverOf(batchMachine(deps)),
      driverOf(clusterMachine(follow)),
      driverOf(webhooks.machine(stopping.signal)),
      ...(relay === null ? [] : [driverOf(relay)]),
    ],
    concurrency: releasesAtOnce,
    mostOfShare: releasesAtOnce / 2,
    limits: slotsFor(clusters.count),
    clock: deps.clock,
    log,
    leaseMs: config.leaseSeconds * 1000,
  })
  stops.add('worker', async () => {
    stopping.abort()
    await worker.stop({ graceMs })
  })
  await transaction(db, (tx) => wake(tx, { kind: 'cluster', id: currentCluster }))
  void checkAccess(clusters, currentCluster, log)
}

/** Said at the start, not when the first operation fails; whatever needs no helm works all the same (docs/adr/0019). */
async function checkAccess(clusters: ClusterConnections, id: Uuid, log: Log): Promise<void> {
  try {
    await clusters.of(id).checkAccess()
  } catch (error) {
    if (!(error instanceof AccessRefused)) return
    log.error({ why: error.message }, 'helm cannot work on the cluster: Flotilla may not act for tenants there')
  }
}

function recorder(deps: ReleaseDeps, clusterId: Uuid, log: Log) {
  return (changes: readonly HealthChange[]): void => {
    recordHealth(deps.db, clusterId, changes, deps.clock.now()).catch((error: unknown) =>
      log.warn({ err: error }, 'the health of releases was not written; the next change brings it'),
    )
  }
}
