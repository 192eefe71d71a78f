import { type RawBuilder, sql } from 'kysely'
import type { Attempt } from '../../core/decision.ts'
import { transaction } from '../database/pool.ts'
import type { Db, Tx } from '../database/types.ts'
import { writesInBatches } from '../database/write-batches.ts'
import { type AttemptRow, toAttempt } from './attempt-rows.ts'
import { LeaseLost } from './errors.ts'
import { heldRows } from './held-rows.ts'
import type { Lease, LeaseName } from './types.ts'

// What is written under a lease, and only while it is held.

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
