import type { ColumnType, Selectable } from 'kysely'
import type { Json } from '../../core/json.ts'
import type { Uuid } from '../../core/subject.ts'
import { jsonb } from '../../infra/database/jsonb.ts'
import type { Db, NoTables, Tx } from '../../infra/database/types.ts'
import type { WorkloadKind, WorkloadRef } from '../core/model.ts'
import type { GateRow } from './gate-row.ts'

type Jsonb = ColumnType<Json, unknown, unknown>
type Table = {
  cluster_id: Uuid
  workload_uid: string
  execution_id: Uuid
  release_id: Uuid
  namespace: string
  kind: string
  name: string
  originals: Jsonb
  state: Jsonb
  created_at: Date
}

const tables = (db: Db) => db.withTables<{ gates: Table } & NoTables>()

/** What executions hold in the cluster. A row is committed before the first patch that it speaks of. */
export class GateStore {
  /** The gate of a workload; null without one. */
  async find(db: Db, clusterId: Uuid, workloadUid: string): Promise<GateRow | null> {
    const row = await tables(db)
      .selectFrom('gates')
      .selectAll()
      .where('cluster_id', '=', clusterId)
      .where('workload_uid', '=', workloadUid)
      .executeTakeFirst()
    return row === undefined ? null : gateOf(row)
  }

  /** The newest gate on a workload of this name, whichever object that was; null without one. */
  async ofName(
    db: Db,
    { clusterId, namespace, kind, name }: Pick<GateRow, 'clusterId' | 'namespace' | 'kind' | 'name'>,
  ): Promise<GateRow | null> {
    const row = await tables(db)
      .selectFrom('gates')
      .selectAll()
      .where('cluster_id', '=', clusterId)
      .where('namespace', '=', namespace)
      .where('kind', '=', kind)
      .where('name', '=', name)
      .orderBy('created_at', 'desc')
      .executeTakeFirst()
    return row === undefined ? null : gateOf(row)
  }

  /** The gates of an execution: its target's and those of the other workloads. */
  async ofExecution(db: Db, executionId: Uuid): Promise<readonly GateRow[]> {
    const rows = await tables(db).selectFrom('gates').selectAll().where('execution_id', '=', executionId).execute()
    return rows.map(gateOf)
  }

  /** The gates on the workloads of a release, whichever execution put them there, the newest first. */
  async ofRelease(db: Db, releaseId: Uuid): Promise<readonly GateRow[]> {
    const rows = tables(db).selectFrom('gates').selectAll().where('release_id', '=', releaseId)
    return (await rows.orderBy('created_at', 'desc').execute()).map(gateOf)
  }

  /** The workloads of a release that are held beside its target. */
  async othersOf(db: Db, releaseId: Uuid): Promise<readonly WorkloadRef[]> {
    const others = (await this.ofRelease(db, releaseId)).filter(({ state }) => state.role === 'other')
    return others.map(({ kind, name }) => ({ kind, name }))
  }

  /** Writes a gate, whatever was there. Belongs in a transaction that is fenced by the lease. */
  async put(tx: Tx, row: GateRow): Promise<void> {
    const changing = {
      execution_id: row.executionId,
      release_id: row.releaseId,
      namespace: row.namespace,
      kind: row.kind,
      name: row.name,
      originals: jsonb(row.originals),
      state: jsonb(row.state),
    }
    await tables(tx)
      .insertInto('gates')
      .values({
        cluster_id: row.clusterId,
        workload_uid: row.workloadUid,
        ...changing,
        created_at: new Date(row.createdAt),
      })
      .onConflict((conflict) => conflict.columns(['cluster_id', 'workload_uid']).doUpdateSet(changing))
      .execute()
  }

  /** Drops the gates of an execution that are off. Call it when the execution ends; one that stays is frozen. */
  async dropOff(tx: Tx, executionId: Uuid): Promise<void> {
    const rows = await this.ofExecution(tx, executionId)
    for (const row of rows.filter(isOff)) await this.drop(tx, row)
  }

  /** Drops one gate. */
  async drop(tx: Tx, { clusterId, workloadUid }: Pick<GateRow, 'clusterId' | 'workloadUid'>): Promise<void> {
    await tables(tx)
      .deleteFrom('gates')
      .where('cluster_id', '=', clusterId)
      .where('workload_uid', '=', workloadUid)
      .execute()
  }
}

const isOff = ({ state, originals }: GateRow): boolean =>
  state.position.kind === 'none' && originals.services.length === 0

function gateOf(row: Selectable<Table>): GateRow {
  return {
    clusterId: row.cluster_id,
    workloadUid: row.workload_uid,
    executionId: row.execution_id,
    releaseId: row.release_id,
    namespace: row.namespace,
    kind: row.kind as WorkloadKind,
    name: row.name,
    originals: row.originals as unknown as GateRow['originals'],
    state: row.state as unknown as GateRow['state'],
    createdAt: row.created_at.getTime(),
  }
}
