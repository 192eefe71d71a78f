import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { stopwatch } from '../clock.ts'
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

/**
 * `some`: all that had been committed; `more`: as many as at once, and there may be others. `busy`: another process is
 * giving places; it is told of later events as this one is.
 */
export type Numbered = 'none' | 'some' | 'more' | 'busy'

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
    const { rows } = await sql<{ first: number | null; last: number | null; count: number }>`
      with placed as materialized (
        select subject_kind, subject_id, seq, nextval('events_feed') as place
        from (select subject_kind, subject_id, seq from events where feed_seq is null
          order by written_seq limit ${limit}) as oldest),
      numbered as (
        update events e set feed_seq = placed.place from placed
        where e.subject_kind = placed.subject_kind and e.subject_id = placed.subject_id and e.seq = placed.seq
        returning e.feed_seq)
      select min(feed_seq) as first, max(feed_seq) as last, count(*) as count,
        case when count(*) > 0 then pg_notify('events_numbered', '') end
      from numbered`.execute(tx)
    const { first = null, last = null, count = 0 } = rows[0] ?? {}
    if (first === null || last === null) return 'none'
    await onNumbered(tx, first, last)
    return count < limit ? 'some' : 'more'
  })
}

export type NumberingParts = {
  readonly db: Db
  readonly listener: Pick<Listener, 'on'>
  readonly log: Log
  readonly onNumbered: OnNumbered
  readonly pollMs?: number
}

/**
 * An event that comes after a quiet time gets its place at once; those that come in the rest after it, together. In a batch
 * upgrade each release commits some five times, and a transaction for each would cost as much as the upgrades' own.
 */
const restMs = 100
/** Where giving places takes long, because much else runs, it rests for longer: four times as long as it took, at most so. */
const longestRestMs = 250

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
    const from = stopwatch()
    const numbered = await numberEvents(db, onNumbered).catch((error: unknown) => {
      log.warn({ error: String(error) }, 'Events wait for their place in the feed')
      return 'none' as const
    })
    const rest = Math.min(longestRestMs, Math.max(restMs, 4 * (stopwatch() - from)))
    await sleep(rest, undefined, { signal: stopping }).catch(() => undefined)
    // What is committed meanwhile is told of, and the nudge kept.
    if (numbered !== 'more') await nudge.wait(pollMs)
  }
}
