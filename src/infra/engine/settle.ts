import { sql } from 'kysely'
import type { Attempt } from '../../core/decision.ts'
import type { Instant } from '../../core/instant.ts'
import type { SubjectKind, Uuid } from '../../core/subject.ts'
import { jsonb } from '../database/jsonb.ts'
import { fromInstant } from '../database/pool.ts'
import type { Db } from '../database/types.ts'
import { writesInBatches } from '../database/write-batches.ts'
import { type AppendedEvent, appending } from '../events/events.ts'
import type { Log } from '../log.ts'
import { attemptReader, insertingAttempts, type OpenedAttempt } from './attempts.ts'
import type { Change, LeaseName, Saving } from './types.ts'

/** A decision that was made on a state read without its lock, and what is to be written if nothing came in between. */
export type Settlement<S, A> = {
  readonly lease: LeaseName
  /** How often the subject had been woken before its state was read. */
  readonly wanted: number
  /** Null: the decision changed nothing. */
  readonly change: Change<S> | null
  readonly next:
    | { readonly kind: 'act'; readonly attempt: Attempt<A> }
    | { readonly kind: 'look-again' }
    /** The lease is given back; due again then, or, with null, when it is woken. */
    | { readonly kind: 'rest'; readonly wake: Instant | null }
  readonly now: Instant
}

/** What a worker settles decisions of one kind of subjects with. */
export type Settling<S, A> = Pick<Saving<S>, 'covers'> & {
  /** The newest attempt of a subject whose lease is held: only the holder makes and ends them. */
  newestAttempt(id: Uuid): Promise<Attempt<A> | null>
  /** Writes a settlement; false: it has written nothing, and it is to be decided anew under the subject's lock. */
  settle(settlement: Settlement<S, A>): Promise<boolean>
}

/**
 * Writes settlements, those that come while others are being written together in one statement: one commit for all.
 *
 * A settlement is written when its lease is still held and its subject was not woken since before it was read. Whoever
 * changes a subject besides the holder of its lease wakes it in the same transaction, so that nothing was decided on a
 * state of the past; where there is a change, the version that it is saved by says the same. One that does not hold, or whose rows somebody
 * else has locked, is left out and harms none of the others: the statement waits for nobody, so nobody who waits for it
 * can be waited for. Throws when it is not known whether they were written.
 */
export function settlingOf<S, A>(
  { db, log }: { readonly db: Db; readonly log: Log },
  kind: SubjectKind,
  saving: Saving<S>,
): Settling<S, A> {
  const written = writesInBatches<Settlement<S, A>, boolean>(
    async (given) => {
      const settlements = ofNewestLeases(given)
      const settled = await settleAll(db, kind, saving, settlements)
      return new Map(settlements.map((one) => [one, settled.has(one.lease.subject.id)]))
    },
    async (_, refused) => {
      log.warn({ kind, error: String(refused) }, 'Decisions could not be written together')
      return false
    },
  )
  const settle = async (settlement: Settlement<S, A>) => (await written(settlement)) === true
  return { covers: saving.covers, newestAttempt: attemptReader<A>(db, kind), settle }
}

/**
 * One settlement of each subject. A worker that was stopped for long may still hold a lease beside the newer one that it
 * took over from itself: the older has nothing to write.
 */
function ofNewestLeases<S, A>(settlements: readonly Settlement<S, A>[]): readonly Settlement<S, A>[] {
  const newest = new Map<Uuid, Settlement<S, A>>()
  for (const one of settlements) {
    const known = newest.get(one.lease.subject.id)
    if (known === undefined || known.lease.epoch < one.lease.epoch) newest.set(one.lease.subject.id, one)
  }
  return [...newest.values()]
}

/** Of each subject at most one. */
async function settleAll<S, A>(
  db: Db,
  kind: SubjectKind,
  saving: Saving<S>,
  settlements: readonly Settlement<S, A>[],
): Promise<ReadonlySet<Uuid>> {
  const given = settlements.map(({ lease, wanted, change, next }) => ({
    subject_id: lease.subject.id,
    epoch: String(lease.epoch),
    wanted,
    changes: change !== null,
    tells: change !== null && change.events.length > 0,
    due_at: next.kind === 'rest' ? fromInstant(next.wake) : null,
    done: next.kind === 'rest' && next.wake === null,
  }))
  const changes = settlements.flatMap(({ change }) => (change === null ? [] : [change]))
  const { rows } = await sql<{ subject_id: Uuid }>`
    with held as materialized (
      select given.* from jsonb_to_recordset(${jsonb(given)}) as given(
        subject_id uuid, epoch bigint, wanted bigint, changes boolean, tells boolean, due_at timestamptz, done boolean)
      join work w on w.kind = ${kind} and w.subject_id = given.subject_id
        and w.epoch = given.epoch and w.wanted = given.wanted and w.lease_until is not null
      for update of w skip locked),
    ${saving.statement(changes)},
    settled as materialized (
      select held.* from held where not changes or subject_id in (select subject_id from saved)),
    told as (${appending(kind, sql`saved`, eventsOf(settlements))}),
    opened as (${insertingAttempts(kind, sql`settled`, openedBy(settlements))}),
    rested as (
      update work w set lease_until = null, worker = null, due_at = s.due_at
      from settled s where w.kind = ${kind} and w.subject_id = s.subject_id and s.due_at is not null),
    ended as (
      delete from work w using settled s where w.kind = ${kind} and w.subject_id = s.subject_id and s.done)
    select subject_id,
      case when tells then pg_notify('events', ${kind} || ':' || subject_id) end,
      case when due_at <= clock_timestamp() then pg_notify('work_due', ${kind}) end
    from settled`.execute(db)
  return new Set(rows.map(({ subject_id }) => subject_id))
}

/** The events of settlements; `later` is how many of the same subject come after it. */
const eventsOf = (settlements: readonly Settlement<unknown, unknown>[]): readonly AppendedEvent[] =>
  settlements.flatMap(({ lease, change, now }) =>
    (change?.events ?? []).map((event, nth, { length }) => ({
      ...{ subjectId: lease.subject.id, later: length - 1 - nth, event, at: now },
    })),
  )

const openedBy = (settlements: readonly Settlement<unknown, unknown>[]): readonly OpenedAttempt[] =>
  settlements.flatMap(({ lease, next }) =>
    next.kind === 'act' ? [{ subjectId: lease.subject.id, attempt: next.attempt }] : [],
  )
