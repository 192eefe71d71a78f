import { type RawBuilder, sql } from 'kysely'
import type { ActFailure, Attempt, AttemptResult, PlannedAct } from '../../core/decision.ts'
import type { Instant } from '../../core/instant.ts'
import type { Subject, SubjectKind, Uuid } from '../../core/subject.ts'
import { inParts } from '../database/in-parts.ts'
import { jsonb } from '../database/jsonb.ts'
import { fromInstant } from '../database/pool.ts'
import { inBatches } from '../database/read-batches.ts'
import type { Db, Tx } from '../database/types.ts'
import { type AttemptRow, toAttempt } from './attempt-rows.ts'
import { leaseTaken, writesWhileHeld, writeWhileHeld } from './fence.ts'
import type { LeaseName } from './types.ts'

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

export type OpenedAttempt = { readonly subjectId: Uuid; readonly attempt: Attempt<unknown> }

/** A query of a `with` that opens attempts of several subjects of a kind, of those of `settled (subject_id)`. */
export function insertingAttempts(kind: SubjectKind, settled: RawBuilder<unknown>, opened: readonly OpenedAttempt[]) {
  const rows = opened.map(({ subjectId, attempt: { seq, act, baseline, epoch, startedAt, deadline } }) => ({
    ...{ subject_id: subjectId, seq, act, baseline, epoch: String(epoch) },
    ...{ started_at: fromInstant(startedAt), deadline: fromInstant(deadline) },
  }))
  return sql`insert into attempts (subject_kind, subject_id, seq, act, baseline, epoch, started_at, deadline)
    select ${kind}, subject_id, o.seq, o.act, o.baseline, o.epoch, o.started_at, o.deadline
    from ${settled} join jsonb_to_recordset(${jsonb(rows)}) as o(
      subject_id uuid, seq bigint, act jsonb, baseline jsonb, epoch bigint, started_at timestamptz, deadline timestamptz)
      using (subject_id)`
}

/** Reads the newest attempts of subjects of a kind, those that are asked for at the same time in one statement. */
export function attemptReader<A>(db: Db, kind: SubjectKind): (id: Uuid) => Promise<Attempt<A> | null> {
  const read = inBatches(async (ids: readonly Uuid[]) => {
    const { rows } = await sql<AttemptRow & { readonly subject_id: Uuid }>`
      select newest.* from unnest(${[...ids]}::uuid[]) as asked(id)
      cross join lateral (select * from attempts
        where subject_kind = ${kind} and subject_id = asked.id order by seq desc limit 1) as newest`.execute(db)
    return new Map(rows.map((row) => [row.subject_id, toAttempt<A>(row)]))
  })
  return async (id) => (await read(id)) ?? null
}

/** How an attempt ended, to be recorded. */
export type AttemptEnd = Outcome & { readonly lease: LeaseName; readonly seq: number; readonly now: Instant }

/**
 * Records how an attempt ended, if the lease is still held; else it throws `LeaseLost`. An attempt that has ended keeps
 * its first result, so it may be said twice.
 */
export async function closeAttempt(db: Db, end: AttemptEnd): Promise<void> {
  const held = await writeWhileHeld(db, [end], closing)
  if (!held.has(end)) throw leaseTaken()
}

/** Records how attempts ended as `closeAttempt` does, those that end at the same time in one statement. */
export function attemptCloser(db: Db): (end: AttemptEnd) => Promise<void> {
  return writesWhileHeld(db, closing)
}

function closing(ends: readonly AttemptEnd[]): RawBuilder<unknown> {
  const rows = ends.map(({ seq, result, failure, now }, at) => ({
    ...{ n: at + 1, seq, result, failure, ended_at: fromInstant(now) },
  }))
  return sql`update attempts a set result = e.result, failure = e.failure, ended_at = e.ended_at
    from held join jsonb_to_recordset(${jsonb(rows)}) as e(
      n int, seq bigint, result text, failure jsonb, ended_at timestamptz) using (n)
    where a.subject_kind = held.kind and a.subject_id = held.subject_id and a.seq = e.seq and a.ended_at is null`
}

/**
 * The newest attempt, as the fence saw it, to be decided on. One that an earlier worker left open (no older one can be)
 * is marked as interrupted: only an observation tells what its act did.
 */
export async function takeOverAttempt<A>(tx: Tx, lease: LeaseName, newest: Attempt<A> | null, now: Instant) {
  if (newest === null || !isLeftOpen(newest, lease)) return newest
  await closeAttempt(tx, { lease, seq: newest.seq, result: 'interrupted', failure: null, now })
  return { ...newest, result: 'interrupted' as const, endedAt: now }
}

/** True for an attempt that an earlier worker began and did not end. */
export function isLeftOpen(newest: Attempt<unknown> | null, { epoch }: Pick<LeaseName, 'epoch'>): boolean {
  return newest !== null && newest.endedAt === null && newest.epoch < epoch
}

/** An attempt that begins now. */
export function attemptOf<A>(
  { act, baseline, deadline }: PlannedAct<A>,
  { seq, epoch, now }: { readonly seq: number; readonly epoch: bigint; readonly now: Instant },
): Attempt<A> {
  return { seq, act, baseline, epoch, startedAt: now, deadline, endedAt: null, result: null, failure: null }
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
