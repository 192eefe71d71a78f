import { sql } from 'kysely'
import type { Instant } from '../../core/instant.ts'
import type { Subject, SubjectKind, Uuid } from '../../core/subject.ts'
import { fromInstant, toInstant } from '../../infra/database/pool.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import { wake } from '../../infra/engine/index.ts'
import type { Relay } from '../core/decide.ts'
import { topics } from '../core/topics.ts'

const subjectOf = (id: Uuid): Subject => ({ kind: 'relay', id })

/** Makes the relays that are not there yet, from the first event on, and wakes all: what was told meanwhile is sent. */
export async function openRelays(tx: Tx): Promise<void> {
  for (const { id, name } of topics) {
    await sql`insert into relays (id, topic, position, failures) values (${id}::uuid, ${name}, 0, 0)
      on conflict do nothing`.execute(tx)
    await wake(tx, subjectOf(id))
  }
}

/** Wakes the relays whose topics carry one of these events. Runs in the transaction that gives the events their places. */
export async function wakeRelays(tx: Tx, places: { readonly from: number; readonly to: number }): Promise<void> {
  const { rows } = await sql<{ kind: SubjectKind }>`select distinct subject_kind as kind from events
    where feed_seq between ${places.from} and ${places.to} and exists (select from relays)`.execute(tx)
  const told = new Set(rows.map(({ kind }) => kind))
  for (const { id, kinds } of topics) if (kinds.some((kind) => told.has(kind))) await wake(tx, subjectOf(id))
}

type Stored = {
  readonly id: Uuid
  readonly position: number
  readonly failures: number
  readonly retry_at: Date | null
}

/** One relay; null when there is none. */
export async function loadRelay(db: Db, id: Uuid): Promise<Relay | null> {
  const { rows } =
    await sql<Stored>`select id, position, failures, retry_at from relays where id = ${id}::uuid`.execute(db)
  const [row] = rows
  if (row === undefined) return null
  return { id: row.id, position: row.position, failures: row.failures, retryAt: toInstant(row.retry_at) }
}

/** Notes what came of publishing. To be called under the lease of the relay. */
export async function updateRelay(tx: Tx, { id, position, failures, retryAt }: Relay): Promise<void> {
  await sql`update relays set position = ${position}, failures = ${failures},
    retry_at = ${fromInstant(retryAt)}::timestamptz where id = ${id}::uuid`.execute(tx)
}

/** What a topic has not had: how many events, and since when the oldest of them waits (null: none does). */
export type Lag = { readonly topic: string; readonly events: number; readonly since: Instant | null }

/** The lag of each topic that is filled. */
export async function readLags(db: Db): Promise<readonly Lag[]> {
  const lags = topics.map(async ({ id, name, kinds }) => {
    const ofTopic = sql`events e where e.subject_kind = any(${[...kinds]}::text[])`
    const behind = sql`${ofTopic} and e.feed_seq > r.position`
    // What was committed just now has no place yet, and is behind as well.
    const placeless = sql`${ofTopic} and e.feed_seq is null`
    const { rows } = await sql<{ events: number; since: Date | null }>`
      select (select count(*) from ${behind}) + (select count(*) from ${placeless}) as events,
        least((select e.at from ${behind} order by e.feed_seq limit 1),
          (select e.at from ${placeless} order by e.written_seq limit 1)) as since
      from relays r where r.id = ${id}::uuid`.execute(db)
    return rows.map(({ events, since }) => ({ topic: name, events, since: toInstant(since) }))
  })
  return (await Promise.all(lags)).flat()
}
