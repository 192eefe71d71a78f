import { type RawBuilder, sql } from 'kysely'
import type { DomainEvent } from '../../core/events.ts'
import type { Instant } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import { jsonb, jsonbText } from '../../infra/database/jsonb.ts'
import { inBatches } from '../../infra/database/read-batches.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import type { Change, Loading } from '../../infra/engine/types.ts'
import { record } from '../../infra/events/events.ts'
import type { Execution, Instance } from '../core/model.ts'
import { changedColumns, changing, executionOf, newRow } from './rows.ts'
import { isActive, tables } from './tables.ts'

/** The row was changed by somebody else, or is gone: what was decided is void and must be decided again. */
export class StaleExecution extends Error {
  override readonly name = 'StaleExecution'
}

/** Reads executions of a worker, those that are asked for at the same time in one statement. */
export function executionReader(db: Db): (id: Uuid) => Promise<Execution | null> {
  const read = inBatches(async (ids: readonly Uuid[]) => {
    const rows = await withInstances(db)
      .where('id', '=', sql<Uuid>`any(${[...ids]}::uuid[])`)
      .execute()
    return new Map(rows.map((row) => [row.id, row]))
  })
  return async (id) => {
    const row = await read(id)
    return row === undefined ? null : executionOf(row)
  }
}

/**
 * The execution with its instances; null: unknown. `lock` takes the row lock first and reads the instances after it: in
 * one statement they could be older than the row that was waited for. They are those of `known` while its version is.
 */
export async function loadExecution(
  db: Db,
  id: Uuid,
  { lock = false, known }: Loading<Execution> = {},
): Promise<Execution | null> {
  if (lock) {
    const rows = tables(db).selectFrom('executions').selectAll('executions').where('id', '=', id)
    const row = await rows.forUpdate().executeTakeFirst()
    if (row === undefined) return null
    const same = known?.id === id && known.version === row.version
    return executionOf({ ...row, instances: same ? known.instances : await instancesOf(db, id) })
  }
  const row = await withInstances(db).where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : executionOf(row)
}

const withInstances = (db: Db) =>
  tables(db).selectFrom('executions').selectAll('executions').select(instancesAsJson.as('instances'))

/** The instances of the execution in the row, as one document: a statement less for what is read most often. */
const instancesAsJson = sql<readonly Instance[]>`coalesce((select jsonb_agg(i.state order by i.ordinal)
  from instances i where i.execution_id = executions.id), '[]')`

async function instancesOf(db: Db, id: Uuid): Promise<readonly Instance[]> {
  const rows = await tables(db)
    .selectFrom('instances')
    .select('state')
    .where('execution_id', '=', id)
    .orderBy('ordinal')
    .execute()
  return rows.map(({ state }) => state as unknown as Instance)
}

/** Writes an execution that is new. False when the tenant's component has an active one: the index decides. */
export async function insertExecution(tx: Tx, execution: Execution): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tables(tx)
    .insertInto('executions')
    .values(newRow(execution))
    .onConflict((conflict) => conflict.columns(['tenant_id', 'component_id', 'rehearsal']).where(isActive).doNothing())
    .executeTakeFirst()
  if (numInsertedOrUpdatedRows !== 1n) return false
  await writing(execution.id, execution.instances).execute(tx)
  return true
}

/** Writes what differs, of the instances those that are other objects. Throws `StaleExecution`. */
export async function saveExecution(tx: Tx, before: Execution, after: Execution): Promise<void> {
  const changed = otherInstances(before, after)
  const saved = tables(tx)
    .updateTable('executions')
    .set({ ...changing(after), version: before.version + 1 })
    .where('id', '=', after.id)
    .where('tenant_id', '=', after.tenantId)
    .where('version', '=', before.version)
    .returning('id')
  const { rows } = await sql`with saved as (${saved}), written as (${writing(after.id, changed)})
    select id from saved`.execute(tx)
  if (rows.length !== 1) throw new StaleExecution(`execution ${after.id} changed meanwhile`)
  await dropPlaces(tx, before, after)
}

/** Whether places were taken away from what is stored. */
export function dropsPlaces(before: Execution, after: Execution): boolean {
  return goneFrom(before, after).length > 0
}

/** Writes what differs of several executions, see `Saving`; of none that drops places. */
export function savingExecutions(changes: readonly Change<Execution>[]): RawBuilder<unknown> {
  const changed = changes.map(({ before, after, events }) => ({
    ...{ id: after.id, version: before.version, told: events.length, ...changedColumns(after) },
    instances: otherInstances(before, after),
  }))
  return sql`free as materialized (
      select changed.* from jsonb_to_recordset(${jsonb(changed)}) as changed(id uuid, version int, told int, status text,
        state jsonb, waiting_for jsonb, started_at timestamptz, ended_at timestamptz, instances jsonb)
      join held on held.subject_id = changed.id
      join executions e on e.id = changed.id and e.version = changed.version
      for no key update of e skip locked),
    saved as (
      update executions e set version = e.version + 1, seq = e.seq + free.told, status = free.status, state = free.state,
        waiting_for = free.waiting_for, started_at = free.started_at, ended_at = free.ended_at
      from free where e.id = free.id
      returning e.id as subject_id, e.tenant_id, e.seq),
    written as (
      insert into instances (execution_id, ordinal, state)
      select free.id, (instance->>'index')::int, instance
      from free cross join jsonb_array_elements(free.instances) as written(instance)
      on conflict (execution_id, ordinal) do update set state = excluded.state)`
}

/** Places that the cluster has taken away. */
async function dropPlaces(tx: Tx, before: Execution, after: Execution): Promise<void> {
  const gone = goneFrom(before, after)
  if (gone.length === 0) return
  await tables(tx).deleteFrom('instances').where('execution_id', '=', after.id).where('ordinal', 'in', gone).execute()
}

function goneFrom(before: Execution, after: Execution): readonly number[] {
  if (after.instances === before.instances) return []
  const kept = new Set(after.instances.map(({ index }) => index))
  return before.instances.map(({ index }) => index).filter((index) => !kept.has(index))
}

/** The instances that are new or other objects. */
function otherInstances(before: Execution, after: Execution): readonly Instance[] {
  const known = new Set(before.instances)
  return after.instances.filter((instance) => !known.has(instance))
}

/** Writes instances, new or changed, in one statement, whatever their number. */
function writing(id: Uuid, instances: readonly Instance[]) {
  const ordinals = instances.map(({ index }) => index)
  const states = instances.map((instance) => jsonbText(instance))
  return sql`insert into instances (execution_id, ordinal, state)
    select ${id}::uuid, ordinal, state::jsonb
    from unnest(${ordinals}::int[], ${states}::text[]) as written(ordinal, state)
    on conflict (execution_id, ordinal) do update set state = excluded.state`
}

/** Appends events under the row lock of the execution, with the next sequence numbers. */
export async function recordExecution(
  tx: Tx,
  { id, tenantId }: Pick<Execution, 'id' | 'tenantId'>,
  events: readonly DomainEvent[],
  at: Instant,
): Promise<void> {
  const counting = sql`update executions set seq = seq + ${events.length} where id = ${id} returning seq`
  await record(tx, { subject: { kind: 'execution', id }, tenantId, counting, at }, events)
}
