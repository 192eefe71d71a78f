import { sql } from 'kysely'
import type { Uuid } from '../../core/subject.ts'
import type { Db, Tx } from '../../infra/database/types.ts'

/** How many operations of a tenant (null: of none) wait to begin, without those that a batch or an execution ordered. */
export async function countWaiting(db: Db, tenantId: Uuid | null): Promise<number> {
  const whose = tenantId === null ? sql`tenant_id is null` : sql`tenant_id = ${tenantId}`
  const { rows } = await sql<{ n: number }>`select count(*)::int as n from operations
    where ${whose} and started_at is null and ended_at is null and parent_id is null
      and execution_id is null`.execute(db)
  return rows[0]?.n ?? 0
}

/** Until the transaction ends, no other one counts what waits of the tenant in order to add to it. */
export async function holdQueue(tx: Tx, tenantId: Uuid | null): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`queue ${tenantId ?? 'of the fleet'}`}, 0))`.execute(tx)
}
