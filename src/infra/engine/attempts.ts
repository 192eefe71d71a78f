import { sql } from 'kysely'
import type { ActFailure, Attempt, AttemptResult, Baseline, PlannedAct } from '../../core/decision.ts'
import type { Instant } from '../../core/instant.ts'
import type { Subject, SubjectKind } from '../../core/subject.ts'
import { inParts } from '../database/in-parts.ts'
import { jsonb } from '../database/jsonb.ts'
import { fromInstant, toInstant } from '../database/pool.ts'
import type { Db, Tx } from '../database/types.ts'
import { LeaseLost } from './errors.ts'
import { holding, type LeaseName } from './work.ts'

/** How an attempt ended. */
export type Outcome = { readonly result: AttemptResult; readonly failure: ActFailure | null }

/** Commits to an act before it begins: with what was there, who does it and when it must have ended. Fence first. */
export async function openAttempt<A>(
  tx: Tx,
  subject: Subject,
  planned: PlannedAct<A>,
  by: { readonly epoch: bigint; readonly now: Instant },
): Promise<Attempt<A>> {
  const { rows } = await sql<AttemptRow>`
    insert into attempts (subject_kind, subject_id, seq, act, baseline, epoch, started_at, deadline)
    select ${subject.kind}, ${subject.id}, coalesce(max(seq), 0) + 1, ${jsonb(planned.act)},
      ${jsonb(planned.baseline)}, ${by.epoch}, ${fromInstant(by.now)}, ${fromInstant(planned.deadline)}
    from attempts where subject_kind = ${subject.kind} and subject_id = ${subject.id}
    returning *`.execute(tx)
  return toAttempt(only(rows))
}

/**
 * Records how an attempt ended, if the lease is still held; else it throws `LeaseLost`. An attempt that has ended keeps
 * its first result, so it may be said twice. One statement that fences by itself: it needs no transaction.
 */
export async function closeAttempt(db: Db, lease: LeaseName, seq: number, end: Outcome & { readonly now: Instant }) {
  const { rows } = await sql`
    with fence as (${holding(lease)}),
    closed as (
      update attempts a set result = ${end.result}, failure = ${jsonb(end.failure)}, ended_at = ${fromInstant(end.now)}
      from fence where a.subject_kind = fence.kind and a.subject_id = fence.subject_id
        and a.seq = ${seq} and a.ended_at is null)
    select from fence`.execute(db)
  if (rows.length === 0) throw new LeaseLost('Another worker has taken the subject over')
}

/**
 * The newest attempt, as the fence saw it, to be decided on. One that an earlier worker left open (no older one can be)
 * is marked as interrupted: only an observation tells what its act did.
 */
export async function takeOverAttempt<A>(tx: Tx, lease: LeaseName, newest: Attempt<A> | null, now: Instant) {
  if (newest === null || newest.endedAt !== null || newest.epoch >= lease.epoch) return newest
  await closeAttempt(tx, lease, newest.seq, { result: 'interrupted', failure: null, now })
  return { ...newest, result: 'interrupted' as const, endedAt: now }
}

/** A row of `attempts`. */
export type AttemptRow = {
  readonly seq: number
  readonly act: unknown
  readonly baseline: Baseline
  readonly epoch: number
  readonly started_at: Date
  readonly deadline: Date
  readonly ended_at: Date | null
  readonly result: AttemptResult | null
  readonly failure: ActFailure | null
}

/** An attempt as its row has it. */
export function toAttempt<A>(row: AttemptRow): Attempt<A> {
  return {
    seq: row.seq,
    act: row.act as A,
    baseline: row.baseline,
    epoch: BigInt(row.epoch),
    startedAt: toInstant(row.started_at),
    deadline: toInstant(row.deadline),
    endedAt: toInstant(row.ended_at),
    result: row.result,
    failure: row.failure,
  }
}

function only(rows: readonly AttemptRow[]): AttemptRow {
  const [row] = rows
  if (row === undefined) throw new Error('The attempt was not written')
  return row
}

/** Deletes what has ended before a moment of subjects of these kinds, whose deeds are told elsewhere. */
export async function forgetAttempts(db: Db, kinds: readonly SubjectKind[], before: Instant): Promise<void> {
  const ended = sql`${fromInstant(before)}::timestamptz`
  await inParts(
    db,
    (limit) => sql`delete from attempts where (subject_kind, subject_id, seq) in (
    select subject_kind, subject_id, seq from attempts
    where subject_kind = any(${[...kinds]}::text[]) and ended_at < ${ended} limit ${limit})`,
  )
}
