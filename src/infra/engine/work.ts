import { sql } from 'kysely'
import type { Instant } from '../../core/instant.ts'
import type { Subject, SubjectKind } from '../../core/subject.ts'
import { fromInstant } from '../database/pool.ts'
import type { Db, Tx } from '../database/types.ts'
import { heldRows } from './held-rows.ts'
import { fleetShare, interval, type Share } from './shares.ts'
import type { LeaseName } from './types.ts'

/**
 * The `work` table: one row for each subject that has something due, and the lease on it.
 *
 * `wanted` counts the wakes and `seen` is what it was at the claim, so that a wake during the work is never lost.
 * `epoch` comes from one rising sequence and fences. Times are the database's. While a lease runs, `due_at` is when
 * it was to end, or the earlier moment of a wake; `lease_until` alone says whether the row can be claimed.
 */

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

/** True while the worker holds something, or something is due that nobody holds. */
export async function isBusy(db: Db, kinds: readonly SubjectKind[], worker: string): Promise<boolean> {
  const { rows } = await sql<{ busy: boolean }>`select exists (
    select from work where kind = any(${kinds})
      and (worker = ${worker} or (lease_until is null and due_at <= clock_timestamp()))) as busy`.execute(db)
  return rows[0]?.busy === true
}
