import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Principal, Subject, Uuid } from '../../core/subject.ts'
import type { Listener } from '../database/listen.ts'
import type { Db } from '../database/types.ts'
import type { Log } from '../log.ts'
import { createNudge, type Nudge } from '../nudge.ts'
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

export type FeedPage = { readonly after: number | null; readonly limit: number; readonly order: FeedOrder }

/** Events that have their place, behind a place in an order. */
export async function listFeed(
  db: Db,
  reader: Reader,
  filter: FeedFilter,
  { after, limit, order }: FeedPage,
): Promise<readonly FeedEvent[]> {
  const newestFirst = order === '-position'
  const start = after ?? (newestFirst ? Number.MAX_SAFE_INTEGER : 0)
  const behind = newestFirst ? sql`feed_seq < ${start}` : sql`feed_seq > ${start}`
  const { rows } = await sql<EventRow & { readonly feed_seq: number }>`select * from events
    where ${behind} and ${wanted(reader, filter)}
    order by feed_seq ${sql.raw(newestFirst ? 'desc' : 'asc')} limit ${limit}`.execute(db)
  return rows.map((row) => ({ ...toEvent(row), position: row.feed_seq }))
}

/** One event with its place; null when it is gone, or has none yet. */
export async function eventOf(db: Db, { kind, id }: Subject, seq: number): Promise<FeedEvent | null> {
  const { rows } = await sql<EventRow & { readonly feed_seq: number }>`select * from events
    where subject_kind = ${kind} and subject_id = ${id}::uuid and seq = ${seq} and feed_seq is not null`.execute(db)
  const [row] = rows
  return row === undefined ? null : { ...toEvent(row), position: row.feed_seq }
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
  if (type !== undefined) conditions.push(sql`(type = ${type} or starts_with(type, ${`${type}.`}))`)
  if (q !== undefined) conditions.push(sql`strpos(lower(type), lower(${q})) > 0`)
  for (const { kind, id } of subjects ?? []) conditions.push(sql`(subject_kind = ${kind} and subject_id = ${id}::uuid)`)
  return sql<SqlBool>`${sql.join(conditions, sql` and `)}`
}

/** What is told of no tenant: the registry, which all may read, and what a caller asked for over several tenants. */
function visibleTo({ id, tenants }: Reader): RawBuilder<SqlBool> {
  if (tenants === 'all') return sql<SqlBool>`true`
  return sql<SqlBool>`(tenant_id = any(${[...tenants]}::uuid[])
    or (tenant_id is null and (subject_kind = 'component' or principal_id = ${id})))`
}

/** The last place that was given; 0 before the first. */
async function readHead(db: Db): Promise<number> {
  const { rows } = await sql<{ head: number | null }>`select max(feed_seq) as head from events`.execute(db)
  return rows[0]?.head ?? 0
}

/** Streams the events of a reader as they get their place. */
export type EventFeed = {
  /**
   * Every wanted event behind the place, in order, each once, and then those to come, until the signal is aborted.
   * Throws when the database does not answer: the client comes back with the last place that it saw.
   */
  subscribe(reader: Reader, filter: FeedFilter, after: number, signal: AbortSignal): AsyncIterable<FeedEvent>
}

const pageSize = 200

/** However many read, one looks whether there is something new; without notifications, every `pollMs`. */
export function createEventFeed(db: Db, listener: Pick<Listener, 'on'>, log: Log, pollMs = 1_000): EventFeed {
  const head = new Head(db, log, pollMs)
  listener.on('events_numbered', () => head.look())
  return {
    async *subscribe(reader, filter, after, signal) {
      const nudge = createNudge()
      const leave = head.follow(nudge)
      signal.addEventListener('abort', nudge.now, { once: true })
      try {
        for (let last = after; !signal.aborted; ) {
          // Everything up to the head is there for who asks now: what is not wanted is not looked at again.
          const upTo = head.place
          if (upTo <= last) await nudge.wait(idleMs)
          if (upTo <= last) continue
          const page = await listFeed(db, reader, filter, { after: last, limit: pageSize, order: 'position' })
          for (const event of page) {
            if (signal.aborted) return
            yield event
            last = event.position
          }
          if (page.length < pageSize) last = Math.max(last, upTo)
        }
      } finally {
        leave()
        signal.removeEventListener('abort', nudge.now)
      }
    },
  }
}

/** A reader is woken when the head moves; that it looks by itself is only for a nudge that got lost. */
const idleMs = 60_000

/** The last place as this process knows it, kept fresh while somebody follows. */
class Head {
  place = 0
  readonly #db: Db
  readonly #log: Log
  readonly #pollMs: number
  readonly #followers = new Set<Nudge>()
  readonly #due = createNudge()
  #running = false

  constructor(db: Db, log: Log, pollMs: number) {
    this.#db = db
    this.#log = log
    this.#pollMs = pollMs
  }

  look(): void {
    this.#due.now()
  }

  /** Nudges whenever the head has moved. Returns what ends it. */
  follow(nudge: Nudge): () => void {
    this.#followers.add(nudge)
    this.look()
    if (!this.#running) void this.#run()
    return () => {
      this.#followers.delete(nudge)
      if (this.#followers.size === 0) this.look()
    }
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#followers.size > 0) {
      await this.#read()
      if (this.#followers.size > 0) await this.#due.wait(this.#pollMs)
    }
    this.#running = false
  }

  async #read(): Promise<void> {
    try {
      const place = await readHead(this.#db)
      if (place === this.place) return
      this.place = place
      for (const follower of this.#followers) follower.now()
    } catch (error) {
      this.#log.warn({ error: String(error) }, 'The head of the event feed could not be read')
    }
  }
}
