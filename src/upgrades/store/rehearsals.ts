import { sql } from 'kysely'
import type { Json } from '../../core/json.ts'
import type { Uuid } from '../../core/subject.ts'
import { jsonb } from '../../infra/database/jsonb.ts'
import { inBatches, type Read } from '../../infra/database/read-batches.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import { type Lease, requireTime, writesWhileHeld } from '../../infra/engine/index.ts'
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

/** The simulated fleet of the execution whose lease it is, as it is now. */
export type ChangedWorld = { readonly lease: Lease; readonly world: unknown }

/**
 * Writes simulated fleets of executions whose leases are held, those that change at the same time in one statement. Throws
 * `LeaseLost`.
 */
export function worldWriter(db: Db): (changed: ChangedWorld) => Promise<void> {
  const write = writesWhileHeld(db, changing)
  return async (changed) => {
    requireTime(changed.lease)
    await write(changed)
  }
}

const changing = (changed: readonly ChangedWorld[]) =>
  sql`update rehearsals set world = changed.world
    from held join jsonb_array_elements(${jsonb(changed.map(({ world }) => world))}) with ordinality as changed(world, n)
      using (n)
    where execution_id = held.subject_id`

/** Writes the simulated fleet of a rehearsal, new or changed. */
export async function writeWorld(tx: Tx, executionId: Uuid, world: unknown): Promise<void> {
  await tables(tx)
    .insertInto('rehearsals')
    .values({ execution_id: executionId, world: jsonb(world) })
    .onConflict((conflict) => conflict.column('execution_id').doUpdateSet({ world: jsonb(world) }))
    .execute()
}
