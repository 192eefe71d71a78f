import { sql } from 'kysely'
import type { ActFailure, Attempt, AttemptResult, Baseline, PlannedAct } from '../../core/decision.ts'
import type { Instant } from '../../core/instant.ts'
import type { Subject } from '../../core/subject.ts'
import { jsonb } from '../database/jsonb.ts'
import { fromInstant, toInstant } from '../database/pool.ts'
import type { Tx } from '../database/types.ts'
import type { LeaseName } from './work.ts'

/** Commits to an act before it begins: with what was there, who does it and when it must have ended. Fence first. */
export async function openAttempt<A>(
  tx: Tx,
  subject: Subject,
  planned: PlannedAct<A>,
  by: { readonly epoch: bigint; readonly now: Instant },
): Promise<Attempt<A>> {
  const { rows } = await sql<Row>`
    insert into attempts (subject_kind, subject_id, seq, act, baseline, epoch, started_at, deadline)
    select ${subject.kind}, ${subject.id}, coalesce(max(seq), 0) + 1, ${jsonb(planned.act)},
      ${jsonb(planned.baseline)}, ${by.epoch}, ${fromInstant(by.now)}, ${fromInstant(planned.deadline)}
    from attempts where subject_kind = ${subject.kind} and subject_id = ${subject.id}
    returning *`.execute(tx)
  return toAttempt(only(rows))
}

/** How an attempt ended. */
export type Outcome = { readonly result: AttemptResult; readonly failure: ActFailure | null }

/** Records how an attempt ended. One that has ended keeps its first result. Fence first. */
export async function closeAttempt(tx: Tx, subject: Subject, seq: number, end: Outcome & { readonly now: Instant }) {
  await sql`update attempts set result = ${end.result}, failure = ${jsonb(end.failure)}, ended_at = ${fromInstant(end.now)}
    where subject_kind = ${subject.kind} and subject_id = ${subject.id} and seq = ${seq} and ended_at is null`.execute(
    tx,
  )
}

/** The newest attempt of a subject; null when none was made. */
export async function newestAttempt<A>(tx: Tx, subject: Subject): Promise<Attempt<A> | null> {
  const { rows } = await sql<Row>`select * from attempts
    where subject_kind = ${subject.kind} and subject_id = ${subject.id} order by seq desc limit 1`.execute(tx)
  return rows[0] === undefined ? null : toAttempt(rows[0])
}

/**
 * The newest attempt, to be decided on. One that an earlier worker left open (no older one can be) is marked as
 * interrupted: only an observation tells what its act did. Fence first.
 */
export async function takeOverAttempt<A>(tx: Tx, lease: LeaseName, now: Instant): Promise<Attempt<A> | null> {
  const { subject, epoch } = lease
  const attempt = await newestAttempt<A>(tx, subject)
  if (attempt === null || attempt.endedAt !== null || attempt.epoch >= epoch) return attempt
  await closeAttempt(tx, subject, attempt.seq, { result: 'interrupted', failure: null, now })
  return { ...attempt, result: 'interrupted', endedAt: now }
}

type Row = {
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

function toAttempt<A>(row: Row): Attempt<A> {
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

function only(rows: readonly Row[]): Row {
  const [row] = rows
  if (row === undefined) throw new Error('The attempt was not written')
  return row
}
