import type { Json } from '../../core/json.ts'
import type { Uuid } from '../../core/subject.ts'
import { jsonb } from '../../infra/database/jsonb.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import { tables } from './tables.ts'

/** The simulated fleet of a rehearsal, as it was when something was done to it last. */
export async function readWorld(db: Db, executionId: Uuid): Promise<Json> {
  const row = await tables(db)
    .selectFrom('rehearsals')
    .select('world')
    .where('execution_id', '=', executionId)
    .executeTakeFirst()
  if (row === undefined) throw new Error(`execution ${executionId} has no simulated fleet`)
  return row.world
}

/** Writes the simulated fleet of a rehearsal, new or changed. */
export async function writeWorld(tx: Tx, executionId: Uuid, world: unknown): Promise<void> {
  await tables(tx)
    .insertInto('rehearsals')
    .values({ execution_id: executionId, world: jsonb(world) })
    .onConflict((conflict) => conflict.column('execution_id').doUpdateSet({ world: jsonb(world) }))
    .execute()
}
