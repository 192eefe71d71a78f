import { sql } from 'kysely'
import { type Instant, minutes } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import { fromInstant } from '../../infra/database/pool.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import { wake } from '../../infra/engine/index.ts'

/**
 * Makes a delivery for each webhook that wants one of these events, and wakes those webhooks. Runs in the transaction
 * that gives the events their places: each event gets its deliveries exactly once, whoever is killed when.
 *
 * The lock on the webhooks lets one that is being deleted go first, so that nothing is delivered to none.
 */
export async function handOn(tx: Tx, places: { readonly from: number; readonly to: number }, now: Instant) {
  const at = fromInstant(now)
  const { rows } = await sql<{ webhook_id: Uuid }>`
    with wanted as materialized (
      select w.id as webhook_id, e.subject_kind, e.subject_id, e.seq, e.feed_seq, e.id as event_id, e.type
      from events e join webhooks w on (w.tenant_id is null or w.tenant_id = e.tenant_id)
      where e.feed_seq between ${places.from} and ${places.to}
        and (cardinality(w.types) = 0
          or exists (select from unnest(w.types) as t where e.type = t or starts_with(e.type, t || '.')))
      for key share of w),
    made as (
      insert into webhook_deliveries
        (id, webhook_id, subject_kind, subject_id, seq, position, event_id, type, status, attempts, due_at, created_at)
      select gen_random_uuid(), webhook_id, subject_kind, subject_id, seq, feed_seq, event_id, type, 'PENDING', 0,
        ${at}::timestamptz, ${at}::timestamptz
      from wanted returning webhook_id)
    select distinct webhook_id from made order by webhook_id`.execute(tx)
  for (const { webhook_id: id } of rows) await wake(tx, { kind: 'sink', id })
}

/** Deliveries are kept 7 days (SPEC section 6). */
const keptMs = 7 * 24 * 60 * minutes(1)
/** What a webhook did is told by its deliveries: the engine's own records of it are kept for a day. */
const attemptsKeptMs = 24 * 60 * minutes(1)
const atOnce = 10_000

/** Deletes what has been kept for long enough, a part at a time. */
export async function forgetOldDeliveries(db: Db, now: Instant): Promise<void> {
  for (let deleted = atOnce; deleted === atOnce; ) {
    const { rows } = await sql`delete from webhook_deliveries where id in (
      select id from webhook_deliveries where created_at < ${fromInstant(now - keptMs)} limit ${atOnce})
      returning 1`.execute(db)
    deleted = rows.length
  }
  await sql`delete from attempts where subject_kind = 'sink' and ended_at < ${fromInstant(now - attemptsKeptMs)}`.execute(
    db,
  )
}
