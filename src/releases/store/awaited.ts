import { sql } from 'kysely'
import type { Uuid } from '../../core/subject.ts'
import { jsonb } from '../../infra/database/jsonb.ts'
import type { Db } from '../../infra/database/types.ts'
import { fenced, type Lease } from '../../infra/engine/index.ts'

/**
 * Writes beside what a running operation waits for why it takes so long; null takes it off. It is no decision: no version is
 * counted up, and the next decision replaces it. Throws `LeaseLost`, and writes nothing then.
 */
export async function recordAwaited(db: Db, lease: Lease, operationId: Uuid, detail: string | null): Promise<void> {
  const more = jsonb(detail === null ? {} : { detail })
  await fenced(db, lease, async (tx) => {
    await sql`update releases set waiting_for = (waiting_for - 'detail') || ${more}
      where id = ${lease.subject.id} and operation_id = ${operationId} and jsonb_typeof(waiting_for) = 'object'`.execute(
      tx,
    )
    await sql`update operations set waiting_for = (waiting_for - 'detail') || ${more}
      where id = ${operationId} and ended_at is null and jsonb_typeof(waiting_for) = 'object'`.execute(tx)
  })
}
