import { sql } from 'kysely'
import type { Json } from '../../core/json.ts'
import type { Uuid } from '../../core/subject.ts'
import { jsonb } from '../../infra/database/jsonb.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import { holding, type Lease, whileHeld } from '../../infra/engine/index.ts'
import { tables } from './tables.ts'

/** The simulated fleet of a rehearsal, as it was when something was done to it last. */
export async function readWorld(db: Db, executionId: Uuid): Promise<Json> {
  const world = await findWorld(db, executionId)
  if (world === null) throw new Error(`execution ${executionId} has no simulated fleet`)
  return world
}

/** The same; null for an execution that is no rehearsal. */
export async function findWorld(db: Db, executionId: Uuid): Promise<Json> {
  const row = await tables(db)
    .selectFrom('rehearsals')
    .select('world')
    .where('execution_id', '=', executionId)
    .executeTakeFirst()
  return row?.world ?? null
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
