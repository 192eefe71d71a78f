import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Listener } from '../database/listen.ts'
import { transaction } from '../database/pool.ts'
import type { Db, Tx } from '../database/types.ts'
import type { Log } from '../log.ts'
import { createNudge, type Nudge } from '../nudge.ts'

/**
 * Gives events their place in the feed, the one order over all subjects.
 *
 * A number that is taken while the change is written is no such order: a transaction that took an earlier one may commit
 * later, and a reader who went on from the later one would never see it. So places are given to what is committed, by
 * one transaction at a time, which all processes agree on by a lock. Whoever reads on from a place misses nothing,
 * nobody waits for the slowest transaction, and all readers see the same order (docs/adr/0023).
 */

/** Runs in the transaction that gives places, from the first to the last of them: what events are handed on to. */
export type OnNumbered = (tx: Tx, from: number, to: number) => Promise<void>

/** `busy`: another process is giving places, and goes on until there is nothing left. */
export type Numbered = 'none' | 'some' | 'busy'

/** Names the lock in the database. */
const lockKey = 7_170_023
const atOnce = 1_000

/** Gives places to committed events, the oldest first, and so in the order of each subject. */
export async function numberEvents(db: Db, onNumbered: OnNumbered, limit = atOnce): Promise<Numbered> {
  return transaction(db, async (tx) => {
    const { rows: locks } = await sql<{ taken: boolean }>`
      select pg_try_advisory_xact_lock(${lockKey}) as taken`.execute(tx)
    if (locks[0]?.taken !== true) return 'busy'
    // A statement of its own: it sees what was committed before the lock was taken.
    const { rows } = await sql<{ first: number | null; last: number | null }>`
      with placed as materialized (
        select subject_kind, subject_id, seq, nextval('events_feed') as place
        from (select subject_kind, subject_id, seq from events where feed_seq is null
          order by written_seq limit ${limit}) as oldest),
      numbered as (
        update events e set feed_seq = placed.place from placed
        where e.subject_kind = placed.subject_kind and e.subject_id = placed.subject_id and e.seq = placed.seq
        returning e.feed_seq)
      select min(feed_seq) as first, max(feed_seq) as last from numbered`.execute(tx)
    const { first = null, last = null } = rows[0] ?? {}
    if (first === null || last === null) return 'none'
    await onNumbered(tx, first, last)
    await sql`select pg_notify('events_numbered', '')`.execute(tx)
    return 'some'
  })
}

export type NumberingParts = {
  readonly db: Db
  readonly listener: Pick<Listener, 'on'>
  readonly log: Log
  readonly onNumbered: OnNumbered
  readonly pollMs?: number
}

/** Events that come within this time get their places together. */
const gatherMs = 10

/** Gives places whenever an event is told of, and looks by itself now and then. Every process of Flotilla runs one. */
export function startNumbering(parts: NumberingParts): { stop(): Promise<void> } {
  const nudge = createNudge()
  const stopping = new AbortController()
  const off = parts.listener.on('events', nudge.now)
  const done = keepNumbering(parts, nudge, stopping.signal)
  return {
    async stop() {
      stopping.abort()
      off()
      nudge.now()
      await done
    },
  }
}

async function keepNumbering(parts: NumberingParts, nudge: Nudge, stopping: AbortSignal): Promise<void> {
  const { db, log, onNumbered, pollMs = 1_000 } = parts
  while (!stopping.aborted) {
    const numbered = await numberEvents(db, onNumbered).catch((error: unknown) => {
      log.warn({ error: String(error) }, 'Events wait for their place in the feed')
      return 'none' as const
    })
    if (numbered !== 'some') await nudge.wait(pollMs)
    await sleep(gatherMs)
  }
}
