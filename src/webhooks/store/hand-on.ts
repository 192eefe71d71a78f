import { sql } from 'kysely'
import { type Instant, minutes } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import { inParts } from '../../infra/database/in-parts.ts'
import { fromInstant, transaction } from '../../infra/database/pool.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import { wake } from '../../infra/engine/index.ts'
import { isOfType } from '../../infra/events/feed.ts'
import { lockWebhook } from './webhooks.ts'

/**
 * Makes a delivery for each webhook that wants one of these events, and wakes those webhooks. Runs in the transaction
 * that gives the events their places: each event gets its deliveries exactly once, whoever is killed when.
 *
 * Of a subject only one delivery is open to be sent; the others wait behind it. The webhooks are locked first, so that
 * none is deleted meanwhile, and that no delivery ends between the look whether one is open and the commit.
 */
export async function handOn(tx: Tx, places: { readonly from: number; readonly to: number }, now: Instant) {
  const wanted = sql`events e join webhooks w on (w.tenant_id is null or w.tenant_id = e.tenant_id)
    where e.feed_seq between ${places.from} and ${places.to}
      and (cardinality(w.types) = 0
        or exists (select from unnest(w.types) as t where ${isOfType(sql.ref('e.type'), sql.ref('t'))}))`
  const { rows } = await sql<{ id: Uuid }>`select id from webhooks
    where id in (select w.id from ${wanted}) order by id for share`.execute(tx)
  const ids = rows.map(({ id }) => id)
  if (ids.length === 0) return
  const at = sql`${fromInstant(now)}::timestamptz`
  await sql`
    insert into webhook_deliveries
      (id, webhook_id, subject_kind, subject_id, seq, position, event_id, type, status, attempts, due_at, created_at)
    select gen_random_uuid(), w.id, e.subject_kind, e.subject_id, e.seq, e.feed_seq, e.id, e.type, 'PENDING', 0,
      case when row_number() over (partition by w.id, e.subject_kind, e.subject_id order by e.feed_seq) = 1
        and not exists (select from webhook_deliveries d
          where d.webhook_id = w.id and d.subject_kind = e.subject_kind and d.subject_id = e.subject_id
            and d.status = 'PENDING')
        then ${at} end,
      ${at}
    from ${wanted} and w.id = any(${ids}::uuid[])`.execute(tx)
  for (const id of ids) await wake(tx, { kind: 'sink', id })
}

/** Deliveries are kept 7 days (SPEC section 6). */
const keptMs = 7 * 24 * 60 * minutes(1)

/** Deletes what has been kept for long enough, a part at a time. */
export async function forgetOldDeliveries(db: Db, now: Instant): Promise<void> {
  const before = sql`${fromInstant(now - keptMs)}::timestamptz`
  await inParts(
    db,
    (limit) => sql`delete from webhook_deliveries where id in (
    select id from webhook_deliveries where created_at < ${before} and status <> 'PENDING' limit ${limit})`,
  )
  const { rows: late } = await sql<{ webhook_id: Uuid }>`select distinct webhook_id from webhook_deliveries
    where created_at < ${before} and status = 'PENDING'`.execute(db)
  for (const { webhook_id: id } of late) await transaction(db, (tx) => dropOpen(tx, id, now))
}

/** What could not be sent for so long goes too, and what waited behind it is next. */
async function dropOpen(tx: Tx, id: Uuid, now: Instant): Promise<void> {
  if ((await lockWebhook(tx, id)) === null) return
  await sql`delete from webhook_deliveries where webhook_id = ${id} and status = 'PENDING'
    and created_at < ${fromInstant(now - keptMs)}::timestamptz`.execute(tx)
  await sql`update webhook_deliveries set due_at = ${fromInstant(now)}::timestamptz
    where due_at is null and id in (
      select distinct on (subject_kind, subject_id) id from webhook_deliveries
      where webhook_id = ${id} and status = 'PENDING'
      order by subject_kind, subject_id, position, created_at)`.execute(tx)
  await wake(tx, { kind: 'sink', id })
}
