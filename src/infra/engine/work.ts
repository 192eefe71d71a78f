import { type RawBuilder, sql } from 'kysely'
import type { Attempt } from '../../core/decision.ts'
import type { Instant } from '../../core/instant.ts'
import type { Subject, SubjectKind } from '../../core/subject.ts'
import { fromInstant, transaction } from '../database/pool.ts'
import type { Db, Tx } from '../database/types.ts'
import { writesInBatches } from '../database/write-batches.ts'
import { type AttemptRow, toAttempt } from './attempts.ts'
import { LeaseLost } from './errors.ts'
import { fleetShare, interval, type Share } from './shares.ts'
import type { Lease } from './types.ts'

/**
 * The `work` table: one row for each subject that has something due, and the lease on it.
 *
 * `wanted` counts the wakes and `seen` is what it was at the claim, so that a wake during the work is never lost.
 * `epoch` comes from one rising sequence and fences. Times are the database's. While a lease runs, `due_at` is when
 * it was to end, or the earlier moment of a wake; `lease_until` alone says whether the row can be claimed.
 */

/** What names a lease in the database. */
export type LeaseName = Pick<Lease, 'subject' | 'epoch'>

/** When a subject is due (without it: now), and in whose share it is worked on (without it: as before, else the fleet's). */
export type Wake = { readonly at?: Instant | undefined; readonly share?: Share | undefined }

/**
 * Asks for the subject to be looked at. In the transaction of the change that it is about: the work is there when the
 * change is, and not otherwise. Tells the workers when it is due.
 */
export async function wake(tx: Tx, subject: Subject, { at, share }: Wake = {}): Promise<void> {
  await sql`
    with woken as (
      insert into work as w (kind, subject_id, share, due_at, wanted, seen, epoch)
      values (${subject.kind}, ${subject.id}, ${share ?? fleetShare}::uuid,
        coalesce(${fromInstant(at ?? null)}::timestamptz, now()), 1, 0, 0)
      on conflict (kind, subject_id) do update
        set wanted = w.wanted + 1, due_at = least(w.due_at, excluded.due_at), share = coalesce(${share ?? null}::uuid, w.share)
      returning due_at)
    select pg_notify('work_due', ${subject.kind}) from woken where due_at <= clock_timestamp()`.execute(tx)
}

/**
 * What became of a lease that was to be renewed. A row that another transaction holds is `busy`: try again soon; so is one
 * whose lease was given back by a statement that has not answered yet.
 */
export type Renewal<L> = {
  readonly lease: L
  readonly wanted: number
  readonly state: 'renewed' | 'busy' | 'lost'
}

/** Renews leases in one statement, and tells how often their subjects have been woken. */
export async function renew<L extends LeaseName>(
  db: Db,
  leases: readonly L[],
  leaseMs: number,
): Promise<readonly Renewal<L>[]> {
  if (leases.length === 0) return []
  const { rows } = await sql<{ n: number; mine: boolean; renewed: boolean; wanted: number | null }>`
    with held as (${heldRows(leases)}),
    free as (
      select w.kind, w.subject_id, w.epoch from work w join held h using (kind, subject_id, epoch)
      where w.lease_until is not null
      for no key update of w skip locked),
    renewed as (
      update work as w set lease_until = clock_timestamp() + ${interval(leaseMs)}
      from free where w.kind = free.kind and w.subject_id = free.subject_id and w.epoch = free.epoch
      returning w.kind, w.subject_id, w.epoch)
    select h.n, w.epoch is not null as mine, r.epoch is not null as renewed, w.wanted
    from held h left join work w using (kind, subject_id, epoch) left join renewed r using (kind, subject_id, epoch)
    order by h.n`.execute(db)
  return rows.flatMap((row) => {
    const lease = leases[row.n - 1]
    const state = row.renewed ? 'renewed' : row.mine ? 'busy' : 'lost'
    return lease === undefined ? [] : [{ lease, wanted: row.wanted ?? 0, state } as const]
  })
}

/** How often the subjects of leases have been woken, in the order given; 0 for one whose lease is gone. */
export async function readWanted(db: Db, leases: readonly LeaseName[]): Promise<readonly number[]> {
  const { rows } = await sql<{ wanted: number }>`
    with held as (${heldRows(leases)})
    select coalesce(w.wanted, 0) as wanted
    from held h left join work w using (kind, subject_id, epoch)
    order by h.n`.execute(db)
  return rows.map((row) => row.wanted)
}

function heldRows(leases: readonly LeaseName[]) {
  const kinds = leases.map((lease) => lease.subject.kind)
  const ids = leases.map((lease) => lease.subject.id)
  const epochs = leases.map((lease) => lease.epoch)
  return sql`select kind, subject_id, epoch, n
    from unnest(${kinds}::text[], ${ids}::uuid[], ${epochs}::bigint[]) with ordinality as held(kind, subject_id, epoch, n)`
}

/**
 * Gives a lease back after the work, or with its last decision: then as the last statement of that transaction, so that it
 * waits for nobody who could wait for it. `wakeAt` is when the subject is due next, null when nothing is; `seen` is how
 * often it had been woken when the last decision was made. A wake since then leaves it due. False: the lease was lost.
 */
export async function finish(db: Db, lease: LeaseName, wakeAt: Instant | null, seen: number): Promise<boolean> {
  const { subject, epoch } = lease
  if (wakeAt === null) {
    const deleted = await sql`delete from work
      where kind = ${subject.kind} and subject_id = ${subject.id} and epoch = ${epoch} and wanted = ${seen}`.execute(db)
    if (deleted.numAffectedRows === 1n) return true
  }
  const next = sql`coalesce(${fromInstant(wakeAt)}::timestamptz, due_at)`
  return letGo(db, lease, sql`case when wanted = ${seen} then ${next} else least(due_at, ${next}) end`)
}

/** Gives a lease back with the work not done: it is due again after `delayMs`. False: the lease was lost. */
export async function release(db: Db, lease: LeaseName, delayMs = 0): Promise<boolean> {
  return letGo(db, lease, sql`clock_timestamp() + ${interval(delayMs)}`)
}

async function letGo(db: Db, { subject, epoch }: LeaseName, dueAt: ReturnType<typeof interval>): Promise<boolean> {
  const { rows } = await sql`
    with released as (
      update work set lease_until = null, worker = null, due_at = ${dueAt}
      where kind = ${subject.kind} and subject_id = ${subject.id} and epoch = ${epoch}
      returning due_at)
    select case when due_at <= clock_timestamp() then pg_notify('work_due', ${subject.kind}) end from released`.execute(
    db,
  )
  return rows.length === 1
}

/** What the fence saw, before anything else in the transaction. */
export type Fence = {
  /** How often the subject had been woken. */
  readonly wanted: number
  /** The newest attempt of the subject; null when none was made. Only the holder of the lease makes and ends them. */
  readonly attempt: Attempt<unknown> | null
}

/**
 * Runs the body in a transaction that holds the lease fast: until it ends nobody can take the subject over, and when
 * somebody has, it throws `LeaseLost` and writes nothing.
 *
 * `for key share` conflicts with a claim (which skips the row then) and not with a wake: a command, which holds the
 * subject and wakes it, and an outcome, which holds the work and then takes the subject, cannot block each other.
 */
export async function fenced<T>(db: Db, lease: Lease, body: (tx: Tx, fence: Fence) => Promise<T>): Promise<T> {
  requireTime(lease)
  return transaction(db, async (tx) => {
    const { rows } = await sql<FenceRow>`select w.wanted, a.* from work w
      left join lateral (
        select * from attempts where subject_kind = w.kind and subject_id = w.subject_id order by seq desc limit 1) a on true
      where w.kind = ${lease.subject.kind} and w.subject_id = ${lease.subject.id} and w.epoch = ${lease.epoch}
      for key share of w`.execute(tx)
    const [fence] = rows
    if (fence === undefined) throw leaseTaken()
    return body(tx, { wanted: fence.wanted, attempt: fence.seq === null ? null : toAttempt(fence) })
  })
}

/** What is written under a lease. */
export type HeldWrite = { readonly lease: LeaseName }

/**
 * Writes under leases in one statement: a transaction less than `fenced`, or many. `statement` is a query of a `with` that
 * takes the writes whose lease is held, and held fast as `fenced` does, from `held (n, kind, subject_id)`; `n` is the place
 * among the writes, from 1 on. Returns those whose lease is held.
 */
export async function writeWhileHeld<W extends HeldWrite>(
  db: Db,
  writes: readonly W[],
  statement: (writes: readonly W[]) => RawBuilder<unknown>,
): Promise<ReadonlySet<W>> {
  const { rows } = await sql<{ n: number }>`
    with named as (${heldRows(writes.map(({ lease }) => lease))}),
    held as materialized (
      select named.n, w.kind, w.subject_id from named join work w using (kind, subject_id, epoch) for key share of w),
    written as (${statement(writes)})
    select n from held`.execute(db)
  const held = new Set(rows.map(({ n }) => n))
  return new Set(writes.filter((_, at) => held.has(at + 1)))
}

/** The same for single writes: those that come at the same time go in one statement. Throws `LeaseLost`, having written nothing. */
export function writesWhileHeld<W extends HeldWrite>(
  db: Db,
  statement: (writes: readonly W[]) => RawBuilder<unknown>,
): (write: W) => Promise<void> {
  const written = writesInBatches<W, boolean>(
    async (writes) => {
      const held = await writeWhileHeld(db, writes, statement)
      return new Map(writes.map((write) => [write, held.has(write)]))
    },
    async (write) => (await writeWhileHeld(db, [write], statement)).size === 1,
  )
  return async (write) => {
    if ((await written(write)) !== true) throw leaseTaken()
  }
}

/** What is thrown where a lease is no longer held. */
export const leaseTaken = () => new LeaseLost('Another worker has taken the subject over')

/** Throws `LeaseLost` when the lease is over by this process's own clock. */
export function requireTime(lease: Lease): void {
  if (lease.remainingMs() === 0) throw new LeaseLost('The lease ran out')
}

type FenceRow = { readonly wanted: number } & (AttemptRow | { readonly seq: null })

/** True while the worker holds something, or something is due that nobody holds. */
export async function isBusy(db: Db, kinds: readonly SubjectKind[], worker: string): Promise<boolean> {
  const { rows } = await sql<{ busy: boolean }>`select exists (
    select from work where kind = any(${kinds})
      and (worker = ${worker} or (lease_until is null and due_at <= clock_timestamp()))) as busy`.execute(db)
  return rows[0]?.busy === true
}
