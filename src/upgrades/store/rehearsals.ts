import { sql } from 'kysely'
import type { Json } from '../../core/json.ts'
import type { Uuid } from '../../core/subject.ts'
import { jsonb } from '../../infra/database/jsonb.ts'
import { inBatches, type Read } from '../../infra/database/read-batches.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import { holding, type Lease, whileHeld } from '../../infra/engine/index.ts'
import { tables } from './tables.ts'

/**
 * Reads simulated fleets of rehearsals, as they were when something was done to them last; undefined for an execution that
 * is no rehearsal. Those that are asked for at the same time are read in one statement.
 */
export function worldReader(db: Db): Read<Uuid, Json> {
  return inBatches(async (ids: readonly Uuid[]) => {
    const rows = await tables(db)
      .selectFrom('rehearsals')
      .selectAll()
      .where('execution_id', '=', sql<Uuid>`any(${[...ids]}::uuid[])`)
      .execute()
    return new Map(rows.map((row) => [row.execution_id, row.world]))
  })
}

/** Writes the simulated fleet of the execution whose lease is held. Throws `LeaseLost`. */
export async function changeWorld(db: Db, lease: Lease, world: unknown): Promise<void> {
  const statement = sql`
    with fence as (${holding(lease)}),
    changed as (
      update rehearsals set world = ${jsonb(world)} from fence where execution_id = fence.subject_id)
    select from fence`
  await whileHeld(db, lease, statement)
}

/** Writes the simulated fleet of a rehearsal, new or changed. */
export async function writeWorld(tx: Tx, executionId: Uuid, world: unknown): Promise<void> {
  await tables(tx)
    .insertInto('rehearsals')
    .values({ execution_id: executionId, world: jsonb(world) })
    .onConflict((conflict) => conflict.column('execution_id').doUpdateSet({ world: jsonb(world) }))
    .execute()
}
