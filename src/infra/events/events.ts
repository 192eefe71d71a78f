import { randomUUID } from 'node:crypto'
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { DomainEvent } from '../../core/events.ts'
import type { Instant } from '../../core/instant.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Subject, SubjectKind, Uuid } from '../../core/subject.ts'
import { isPartOf } from '../../core/text.ts'
import { jsonb } from '../database/jsonb.ts'
import { contains, type NumberPage, onNumberPage } from '../database/ordered.ts'
import { fromInstant, toInstant } from '../database/pool.ts'
import type { Db, Tx } from '../database/types.ts'

/**
 * The `events` table: what changed, written with the change. `seq` counts the events of one subject from 1 without
 * gaps. It is taken under the lock of the subject's row, so the order of numbers is the order of commits, and who reads
 * on from a number misses nothing. `feed_seq` is the place in the one order over all subjects, given once the change is
 * committed (`numbering.ts`). Events are kept as long as their subject.
 */
export type StoredEvent = {
  readonly id: Uuid
  readonly subject: Subject
  readonly seq: number
  readonly tenantId: Uuid | null
  readonly type: string
  readonly data: JsonObject
  readonly at: Instant
}

/** Whose events they are. */
export type Recording = {
  readonly subject: Subject
  readonly tenantId: Uuid | null
  /** Who else than platform admins may see events that are of no one tenant. */
  readonly principalId?: string
  /** An update of the subject's row that counts its events up by as many, and returns the last number as `seq`. */
  readonly counting: RawBuilder<unknown>
  readonly at: Instant
}

/** Writes events with the change that they tell of. The caller holds the lock of the subject's row. */
export async function record(tx: Tx, of: Recording, events: readonly DomainEvent[]): Promise<void> {
  if (events.length > 0) await recordWith(tx, of, events)
}

/**
 * The same where `counting` writes the change itself: one statement for both, and one new version of the row. False:
 * `counting` has found no row, and nothing was written.
 */
export async function recordWith(tx: Tx, of: Recording, events: readonly DomainEvent[]): Promise<boolean> {
  const { rows } = await (events.length === 0 ? sql`${of.counting}` : recording(of, events)).execute(tx)
  return rows.length === 1
}

function recording(of: Recording, events: readonly DomainEvent[]): RawBuilder<unknown> {
  const { kind, id } = of.subject
  const told = events.map(
    ({ type, data }, index) =>
      sql`(${index + 1 - events.length}::bigint, ${randomUUID()}::uuid, ${type}::text, ${jsonb(data)})`,
  )
  return sql`with counted as (${of.counting}), written as (
      insert into events (subject_kind, subject_id, seq, id, tenant_id, principal_id, type, data, at)
      select ${kind}, ${id}::uuid, counted.seq + told.n, told.id, ${of.tenantId}::uuid, ${of.principalId ?? null}::text,
        told.type, told.data, ${fromInstant(of.at)}::timestamptz
      from counted, (values ${sql.join(told)}) as told (n, id, type, data) order by told.n)
    select pg_notify('events', ${topicOf(of.subject)}) from counted`
}

/** An event of one of several subjects of a kind; `later` is how many more are told of the same subject behind it. */
export type AppendedEvent = {
  readonly subjectId: Uuid
  readonly later: number
  readonly event: DomainEvent
  readonly at: Instant
}

/**
 * A query of a `with` that writes events of several subjects, of those of `saved (subject_id, tenant_id, seq)`: `seq` is
 * the number of a subject's last event. The caller notifies.
 */
export function appending(kind: SubjectKind, saved: RawBuilder<unknown>, events: readonly AppendedEvent[]) {
  const told = events.map(({ subjectId, later, event: { type, data }, at }) => ({
    ...{ subject_id: subjectId, later, id: randomUUID(), type, data, at: fromInstant(at) },
  }))
  return sql`insert into events (subject_kind, subject_id, seq, id, tenant_id, type, data, at)
    select ${kind}, subject_id, seq - later, told.id, tenant_id, told.type, told.data, told.at
    from ${saved} join jsonb_to_recordset(${jsonb(told)}) as told(
      subject_id uuid, later int, id uuid, type text, data jsonb, at timestamptz) using (subject_id)
    order by subject_id, later desc`
}

/** The events of a subject after a number, in order, at most `limit`. */
export function listEvents(db: Db, subject: Subject, afterSeq = 0, limit = 1_000): Promise<readonly StoredEvent[]> {
  return pageEvents(db, subject, {}, { after: afterSeq, limit, order: 'seq' })
}

/** What a list of a subject's events is narrowed by. */
export type EventFilter = {
  /** Those of one operation. */
  readonly operationId?: Uuid
  /** A part of the type. */
  readonly q?: string | undefined
}

/** The orders of a subject's events; `-` is the newest first. */
export const eventOrders = ['seq', '-seq'] as const
export type EventPage = NumberPage<(typeof eventOrders)[number]>

/** A part of a subject's events of a filter, behind a number in an order. */
export async function pageEvents(
  db: Db,
  subject: Subject,
  filter: EventFilter,
  page: EventPage,
): Promise<readonly StoredEvent[]> {
  const { rows } = await sql<EventRow>`select * from events
    where ${wanted(subject, filter)} and ${onNumberPage('seq', page)}`.execute(db)
  return rows.map(toEvent)
}

/** How many of a subject's events a filter has in all. */
export async function countEvents(db: Db, subject: Subject, filter: EventFilter): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*) as n from events where ${wanted(subject, filter)}`.execute(
    db,
  )
  return rows[0]?.n ?? 0
}

/** The number of a subject's last event; 0 before the first. */
export async function lastSeq(db: Db, { kind, id }: Subject): Promise<number> {
  const { rows } = await sql<{ last: number | null }>`
    select max(seq) as last from events where subject_kind = ${kind} and subject_id = ${id}::uuid`.execute(db)
  return rows[0]?.last ?? 0
}

function wanted({ kind, id }: Subject, { operationId, q }: EventFilter): RawBuilder<SqlBool> {
  const conditions = [sql`subject_kind = ${kind}`, sql`subject_id = ${id}::uuid`]
  if (operationId !== undefined) conditions.push(sql`data->>'operationId' = ${operationId}`)
  if (q !== undefined) conditions.push(contains(['type'], q))
  return sql<SqlBool>`${sql.join(conditions, sql` and `)}`
}

/** Whether a filter has an event: for streams, which read all of a subject. */
export function isWanted({ type, data }: StoredEvent, { operationId, q }: EventFilter): boolean {
  const ofOperation = operationId === undefined || data.operationId === operationId
  return ofOperation && (q === undefined || isPartOf(q, type))
}

/** What a notification on the channel `events` carries. */
export function topicOf(subject: Subject): string {
  return `${subject.kind}:${subject.id}`
}

/** A row of `events`. */
export type EventRow = {
  readonly subject_kind: Subject['kind']
  readonly subject_id: Uuid
  readonly seq: number
  readonly id: Uuid
  readonly tenant_id: Uuid | null
  readonly type: string
  readonly data: JsonObject
  readonly at: Date
}

/** The event of a row. */
export function toEvent(row: EventRow): StoredEvent {
  return {
    id: row.id,
    subject: { kind: row.subject_kind, id: row.subject_id },
    seq: row.seq,
    tenantId: row.tenant_id,
    type: row.type,
    data: row.data,
    at: toInstant(row.at),
  }
}
