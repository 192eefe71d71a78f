import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Principal, Subject, SubjectKind, Uuid } from '../../core/subject.ts'
import { isPartOf } from '../../core/text.ts'
import { contains, type NumberPage, onNumberPage } from '../database/ordered.ts'
import type { Db } from '../database/types.ts'
import { type EventRow, type StoredEvent, toEvent } from './events.ts'

/** An event with its place in the order over all subjects. Places only rise; some are missing. */
export type FeedEvent = StoredEvent & { readonly position: number }

/** Who reads: nobody gets an event of a tenant that is not theirs, whatever they ask for. */
export type Reader = Pick<Principal, 'id' | 'tenants'>

/** What a reader wants of the events that they may see; all that is given must hold. */
export type FeedFilter = {
  readonly tenantId?: Uuid | undefined
  readonly subjects?: readonly Subject[] | undefined
  /** A whole type, or its beginning up to a dot: `release` and `release.upgrade` have `release.upgrade.started`. */
  readonly type?: string | undefined
  /** A part of the type. */
  readonly q?: string | undefined
}

/** Every event of a reader, by place; `-` is the newest first. */
export const feedOrders = ['position', '-position'] as const
export type FeedOrder = (typeof feedOrders)[number]

export type FeedPage = NumberPage<FeedOrder>

/** Events that have their place, behind a place in an order. */
export async function listFeed(
  db: Db,
  reader: Reader,
  filter: FeedFilter,
  page: FeedPage,
): Promise<readonly FeedEvent[]> {
  const { rows } = await sql<FeedRow>`select * from events
    where ${wanted(reader, filter)} and ${onNumberPage('feed_seq', page)}`.execute(db)
  return rows.map(toFeedEvent)
}

type FeedRow = EventRow & { readonly feed_seq: number }

const toFeedEvent = (row: FeedRow): FeedEvent => ({ ...toEvent(row), position: row.feed_seq })

/** One event with its place; null when it is gone, or has none yet. */
export async function eventOf(db: Db, { kind, id }: Subject, seq: number): Promise<FeedEvent | null> {
  const { rows } = await sql<FeedRow>`select * from events
    where subject_kind = ${kind} and subject_id = ${id}::uuid and seq = ${seq} and feed_seq is not null`.execute(db)
  const [row] = rows
  return row === undefined ? null : toFeedEvent(row)
}

/** An event as streams and webhooks show it. */
export function feedEventView({ at, ...same }: FeedEvent) {
  return { ...same, at: new Date(at).toISOString() }
}

/** How many events a reader finds in all. */
export async function countFeed(db: Db, reader: Reader, filter: FeedFilter): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*) as n from events
    where feed_seq is not null and ${wanted(reader, filter)}`.execute(db)
  return rows[0]?.n ?? 0
}

function wanted(reader: Reader, { tenantId, subjects, type, q }: FeedFilter): RawBuilder<SqlBool> {
  const conditions = [visibleTo(reader)]
  if (tenantId !== undefined) conditions.push(sql`tenant_id = ${tenantId}::uuid`)
  if (type !== undefined) conditions.push(isOfType(sql.ref('type'), sql`${type}::text`))
  if (q !== undefined) conditions.push(contains(['type'], q))
  for (const { kind, id } of subjects ?? []) conditions.push(sql`(subject_kind = ${kind} and subject_id = ${id}::uuid)`)
  return sql<SqlBool>`${sql.join(conditions, sql` and `)}`
}

/** Whether a type is the wanted one, or begins with it up to a dot. */
export const isOfType = (type: RawBuilder<unknown>, wanted: RawBuilder<unknown>): RawBuilder<SqlBool> =>
  sql<SqlBool>`(${type} = ${wanted} or starts_with(${type}, ${wanted} || '.'))`

/** An event as it is judged for a reader without asking the database. */
export type JudgedEvent = { readonly event: FeedEvent; readonly principalId: string | null }

/** Events that have their place, behind one, whoever may see them; the oldest first. */
export async function readFeed(db: Db, after: number, limit: number): Promise<readonly JudgedEvent[]> {
  const { rows } = await sql<FeedRow & { readonly principal_id: string | null }>`
    select * from events where ${onNumberPage('feed_seq', { after, limit, order: 'position' })}`.execute(db)
  return rows.map((row) => ({ event: toFeedEvent(row), principalId: row.principal_id }))
}

/** Events of some kinds of subjects that have their place, behind one; the oldest first, whoever may see them. */
export async function readKinds(
  db: Db,
  kinds: readonly SubjectKind[],
  after: number,
  limit: number,
): Promise<readonly FeedEvent[]> {
  // Each kind by its own index: a rare one is not looked for among all others.
  const parts = kinds.map(
    (kind) => sql`(select * from events where subject_kind = ${kind} and feed_seq > ${after}
      order by feed_seq limit ${limit})`,
  )
  const { rows } = await sql<FeedRow>`select * from (${sql.join(parts, sql` union all `)}) as found
    order by feed_seq limit ${limit}`.execute(db)
  return rows.map(toFeedEvent)
}

/** The last place that was given; 0 before the first. */
export async function readHead(db: Db): Promise<number> {
  const { rows } = await sql<{ head: number | null }>`select max(feed_seq) as head from events`.execute(db)
  return rows[0]?.head ?? 0
}

/** Says of an event in memory what `listFeed` says in SQL: whether a reader may see it and wants it. */
export function judge({ id, tenants }: Reader, filter: FeedFilter): (judged: JudgedEvent) => boolean {
  const own = tenants === 'all' ? null : new Set(tenants)
  const isVisible = ({ event, principalId }: JudgedEvent) => {
    if (own === null) return true
    if (event.tenantId !== null) return own.has(event.tenantId)
    return event.subject.kind === 'component' || principalId === id
  }
  const { tenantId, subjects = [], type, q } = filter
  const isWanted = ({ event }: JudgedEvent) =>
    (tenantId === undefined || event.tenantId === tenantId) &&
    (type === undefined || event.type === type || event.type.startsWith(`${type}.`)) &&
    (q === undefined || isPartOf(q, event.type)) &&
    subjects.every((subject) => subject.kind === event.subject.kind && subject.id === event.subject.id)
  return (judged) => isVisible(judged) && isWanted(judged)
}

/** What is told of no tenant: the registry, which all may read, and what a caller asked for over several tenants. */
function visibleTo({ id, tenants }: Reader): RawBuilder<SqlBool> {
  if (tenants === 'all') return sql<SqlBool>`true`
  return sql<SqlBool>`(tenant_id = any(${[...tenants]}::uuid[])
    or (tenant_id is null and (subject_kind = 'component' or principal_id = ${id})))`
}
