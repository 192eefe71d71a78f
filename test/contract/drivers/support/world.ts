import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Uuid } from '../../../../src/core/subject.ts'
import { stopwatch, systemClock } from '../../../../src/infra/clock.ts'
import { transaction } from '../../../../src/infra/database/pool.ts'
import { claim } from '../../../../src/infra/engine/claim.ts'
import type { Lease } from '../../../../src/infra/engine/index.ts'
import { wake } from '../../../../src/infra/engine/index.ts'
import { type HeldLease, holdLease } from '../../../../src/infra/engine/lease.ts'
import { release } from '../../../../src/infra/engine/work.ts'
import type { ClusterClient } from '../../../../src/infra/kubernetes/index.ts'
import type { Execution } from '../../../../src/upgrades/core/model.ts'
import type { FleetParts } from '../../../../src/upgrades/drivers/fleet/context.ts'
import { GateStore } from '../../../../src/upgrades/store/gates.ts'
import { practiceCluster, type TestCluster } from '../../../support/cluster.ts'
import { type FreshDatabase, freshDatabase } from '../../../support/database.ts'

/** A cluster and a database with a tenant in it. */
export class World {
  readonly cluster: TestCluster
  readonly database: FreshDatabase
  readonly gates = new GateStore()
  readonly clusterId = randomUUID()
  readonly tenantId = randomUUID()
  readonly #places = new Map<Uuid, string>()
  readonly #held: HeldLease[] = []

  private constructor(cluster: TestCluster, database: FreshDatabase) {
    this.cluster = cluster
    this.database = database
  }

  static async open(): Promise<World> {
    const world = new World(await practiceCluster(), await freshDatabase())
    await sql`insert into clusters values (${world.clusterId}, 'practice', 'practice', now())`.execute(
      world.database.db,
    )
    await sql`insert into tenants values (${world.tenantId}, 'acme', ${world.clusterId}, null, now())`.execute(
      world.database.db,
    )
    return world
  }

  async close(): Promise<void> {
    for (const lease of this.#held) lease.close()
    await this.database.close()
    await this.cluster.stop()
  }

  /** Kills the practice cluster and starts it again on the same port; a cluster that was given stays as it is. */
  async restartCluster(): Promise<void> {
    await this.cluster.restart()
  }

  /** What a driver is made of; another client puts faults between it and the cluster. */
  parts(client: ClusterClient = this.cluster.client): FleetParts {
    const placeOf = async (id: Uuid) => {
      const namespace = this.#places.get(id)
      return namespace === undefined ? null : { clusterId: this.clusterId, namespace, newestChartVersion: null }
    }
    return { db: this.database.db, gates: this.gates, clock: systemClock, placeOf, clientOf: () => client }
  }

  /** A release's row, in a namespace. */
  async release(namespace: string): Promise<Uuid> {
    const id = randomUUID()
    await sql`insert into releases (id, tenant_id, cluster_id, namespace, name, chart, chart_version, status,
        ever_deployed, revision, values_enc, leftovers, performed_by, seq, version, created_at, updated_at)
      values (${id}, ${this.tenantId}, ${this.clusterId}, ${namespace}, ${id.slice(0, 8)}, 'demo', '1.0.0', 'DEPLOYED',
        true, 1, '\\x', '[]', 'test', 1, 1, now(), now())`.execute(this.database.db)
    this.#places.set(id, namespace)
    return id
  }

  /** An execution's row; the one before it on the same component has ended. */
  async begin(execution: Execution): Promise<void> {
    await sql`insert into executions (id, tenant_id, component_id, rehearsal, status, strategy, request, state,
        performed_by, principal_id, seq, version, created_at)
      values (${execution.id}, ${execution.tenantId}, ${execution.componentId}, false, 'IN_PROGRESS', 'ROLLING',
        '{}', '{}', 'test', 'test', 1, 1, now())`.execute(this.database.db)
  }

  /** A lease on the execution, as its worker holds it. */
  async lease({ id }: Pick<Execution, 'id'>, kind: 'execution' | 'release' = 'execution'): Promise<Lease> {
    const { db } = this.database
    await transaction(db, (tx) => wake(tx, { kind, id }))
    const from = stopwatch()
    const options = { kinds: [kind], limit: 10, worker: 'test', leaseMs: 300_000, takeoverMs: 0 }
    const { taken } = await claim(db, options)
    const claimed = taken.find(({ subject }) => subject.id === id)
    if (claimed === undefined) throw new Error('the subject was not free')
    const lease = holdLease({ ...claimed, from, leaseMs: options.leaseMs }, stopwatch)
    this.#held.push(lease)
    return lease
  }

  /** Gives a lease up, so that another worker can take the execution over. */
  async giveUp(lease: Lease): Promise<void> {
    await release(this.database.db, lease)
  }
}
