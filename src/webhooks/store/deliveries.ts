import { type Selectable, sql } from 'kysely'
import type { Instant } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import { contains, onPage, type Page } from '../../infra/database/ordered.ts'
import { fromInstant, toInstant } from '../../infra/database/pool.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import type { Delivery, DeliveryStatus } from '../core/model.ts'
import { type DeliveryRow, tables } from './tables.ts'

/** Writes a delivery. */
export async function insertDelivery(tx: Tx, delivery: Delivery): Promise<void> {
  await tables(tx)
    .insertInto('webhook_deliveries')
    .values({
      id: delivery.id,
      webhook_id: delivery.webhookId,
      subject_kind: delivery.subject.kind,
      subject_id: delivery.subject.id,
      seq: delivery.seq,
      position: delivery.position,
      event_id: delivery.eventId,
      type: delivery.type,
      redelivery_of: delivery.redeliveryOf,
      created_at: fromInstant(delivery.createdAt),
      ...changing(delivery),
    })
    .execute()
}

type Changing = Pick<Delivery, 'status' | 'attempts' | 'dueAt' | 'lastStatus' | 'lastError' | 'endedAt'>

function changing(delivery: Changing) {
  return {
    status: delivery.status,
    attempts: delivery.attempts,
    due_at: fromInstant(delivery.dueAt),
    last_status: delivery.lastStatus,
    last_error: delivery.lastError,
    ended_at: fromInstant(delivery.endedAt),
  }
}

/** Writes what a delivery is after a try. One that has ended meanwhile, or is gone with its webhook, stays as it is. */
export async function updateDelivery(tx: Tx, id: Uuid, change: Changing): Promise<void> {
  await tables(tx)
    .updateTable('webhook_deliveries')
    .set(changing(change))
    .where('id', '=', id)
    .where('status', '=', 'PENDING')
    .execute()
}

/** One delivery of a webhook, locked until the transaction ends; null when there is none. */
export async function lockDelivery(tx: Tx, webhookId: Uuid, id: Uuid): Promise<Delivery | null> {
  const row = await tables(tx)
    .selectFrom('webhook_deliveries')
    .selectAll()
    .where('id', '=', id)
    .where('webhook_id', '=', webhookId)
    .forUpdate()
    .executeTakeFirst()
  return row === undefined ? null : deliveryOf(row)
}

/** These deliveries, those that are still open. */
export async function openDeliveries(db: Db, ids: readonly Uuid[]): Promise<readonly Delivery[]> {
  const rows = await tables(db)
    .selectFrom('webhook_deliveries')
    .selectAll()
    .where('id', '=', sql<Uuid>`any(${[...ids]}::uuid[])`)
    .where('status', '=', 'PENDING')
    .execute()
  return rows.map(deliveryOf)
}

/** What is due of a webhook, the longest due first. What waits behind an earlier one of its subject never is. */
export async function lookAtDue(
  db: Db,
  webhookId: Uuid,
  now: Instant,
  limit: number,
): Promise<{ readonly due: readonly Uuid[]; readonly nextDue: Instant | null }> {
  const { rows } = await sql<{ id: Uuid; due_at: Date }>`select id, due_at from webhook_deliveries
    where webhook_id = ${webhookId} and due_at is not null order by due_at, position limit ${limit}`.execute(db)
  const due = rows.filter(({ due_at }) => toInstant(due_at) <= now)
  const next = rows[due.length]
  return { due: due.map(({ id }) => id), nextDue: next === undefined ? null : toInstant(next.due_at) }
}

/**
 * Lets the oldest open delivery of a subject be sent, unless it may be already. To be called with the webhook locked,
 * whenever one of the subject has ended.
 */
export async function openNext(tx: Tx, { webhookId, subject }: Delivery, now: Instant): Promise<void> {
  await sql`update webhook_deliveries set due_at = ${fromInstant(now)}::timestamptz
    where due_at is null and id = (
      select id from webhook_deliveries
      where webhook_id = ${webhookId} and subject_kind = ${subject.kind} and subject_id = ${subject.id}
        and status = 'PENDING'
      order by position, created_at limit 1)`.execute(tx)
}

/** Makes due what of a subject may be sent: what its other deliveries wait behind. To be called with the webhook locked. */
export async function hurryOpen(tx: Tx, { webhookId, subject }: Delivery, now: Instant): Promise<void> {
  const at = fromInstant(now)
  await tables(tx)
    .updateTable('webhook_deliveries')
    .set({ due_at: at })
    .where('webhook_id', '=', webhookId)
    .where('subject_kind', '=', subject.kind)
    .where('subject_id', '=', subject.id)
    .where('status', '=', 'PENDING')
    .where('due_at', '>', at)
    .execute()
}

export const deliveryOrders = ['createdAt', '-createdAt'] as const

/** What a list of deliveries is narrowed by. `q` is a part of the type. */
export type DeliveryFilter = {
  readonly webhookId: Uuid
  readonly status?: DeliveryStatus | undefined
  readonly q?: string | undefined
}

/** Deliveries of a webhook, in an order. */
export async function listDeliveries(
  db: Db,
  filter: DeliveryFilter,
  page: Page<(typeof deliveryOrders)[number]>,
): Promise<readonly Delivery[]> {
  const rows = await filtered(db, filter).selectAll().$call(onPage('created_at', page)).execute()
  return rows.map(deliveryOf)
}

/** How many deliveries a filter has in all. */
export async function countDeliveries(db: Db, filter: DeliveryFilter): Promise<number> {
  const counted = filtered(db, filter).select((eb) => eb.fn.countAll<number>().as('n'))
  return (await counted.executeTakeFirstOrThrow()).n
}

function filtered(db: Db, { webhookId, status, q }: DeliveryFilter) {
  let query = tables(db).selectFrom('webhook_deliveries').where('webhook_id', '=', webhookId)
  if (status !== undefined) query = query.where('status', '=', status)
  return q === undefined ? query : query.where(contains(['type'], q))
}

function deliveryOf(row: Selectable<DeliveryRow>): Delivery {
  return {
    id: row.id,
    webhookId: row.webhook_id,
    subject: { kind: row.subject_kind, id: row.subject_id },
    seq: row.seq,
    position: row.position,
    eventId: row.event_id,
    type: row.type,
    status: row.status as DeliveryStatus,
    attempts: row.attempts,
    dueAt: toInstant(row.due_at),
    lastStatus: row.last_status,
    lastError: row.last_error,
    redeliveryOf: row.redelivery_of,
    createdAt: toInstant(row.created_at),
    endedAt: toInstant(row.ended_at),
  }
}
