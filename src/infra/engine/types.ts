import type { RawBuilder } from 'kysely'
import type { Baseline, Decide } from '../../core/decision.ts'
import type { DomainEvent } from '../../core/events.ts'
import type { Instant } from '../../core/instant.ts'
import type { Subject, SubjectKind, Uuid } from '../../core/subject.ts'
import type { Db, Tx } from '../database/types.ts'
import type { Share } from './shares.ts'

/**
 * The right to act on one subject, held by one worker until it runs out. Fenced by `epoch`, which only rises:
 * a worker that lost its lease finds its epoch gone and writes nothing (`LeaseLost`).
 */
export type Lease = {
  readonly subject: Subject
  readonly epoch: bigint
  /** Aborted when the lease is lost or handed over. */
  readonly signal: AbortSignal
  /** Milliseconds until the lease ends by the database's clock, measured from before it was taken or renewed; 0 when lost. */
  remainingMs(): number
}

/** What names a lease in the database. */
export type LeaseName = Pick<Lease, 'subject' | 'epoch'>

/** How an act is carried out. Returns nothing: what the machine learns comes from observing. Throws `ActFailed`. */
export type ActContext = {
  readonly lease: Lease
  /** Aborted when the lease is lost, the deadline passes or a command cancels the act. */
  readonly signal: AbortSignal
  readonly attempt: { readonly seq: number; readonly deadline: Instant; readonly baseline: Baseline }
}
export type Acts<A extends { readonly kind: string }> = {
  readonly [K in A['kind']]: (act: Extract<A, { kind: K }>, context: ActContext) => Promise<void>
}

/**
 * How a subject is read. With `lock` its row lock is taken until the transaction ends; without it no transaction is
 * needed, and what was read may be stale by the time it is used. `known` was read before: what cannot have changed
 * while the subject's version is the same need not be read again.
 */
export type Loading<S> = { readonly lock?: boolean; readonly known?: S }

/** What a decision changed of a subject. */
export type Change<S> = { readonly before: S; readonly after: S; readonly events: readonly DomainEvent[] }

/** How a machine writes decisions on several of its subjects in one statement. */
export type Saving<S> = {
  /** Whether `statement` writes all of a change; one of which it does not has a transaction of its own, by `save`. */
  covers(before: S, after: S): boolean
  /**
   * Queries of a `with` that write changes. They take of the subjects of `held (subject_id)` those that still have the
   * version that was loaded, wait for no lock (`skip locked`), count events, and end in
   * `saved (subject_id, tenant_id, seq)` with the last number of an event.
   */
  statement(changes: readonly Change<S>[]): RawBuilder<unknown>
}

/** What a feature gives the engine for one kind of subject. */
export interface Machine<S, C, O, A extends { readonly kind: string }> {
  readonly kind: SubjectKind
  /** Whose share of the slots the work on a subject takes; as before where this is left out. */
  share?(state: S): Share
  readonly decide: Decide<S, C, O, A>
  readonly acts: Acts<A>
  /** The subject's state, null when there is no such subject. */
  load(db: Db, id: Uuid, how?: Loading<S>): Promise<S | null>
  /**
   * Writes what differs, and appends the events with their subject's next sequence numbers, under the row lock held by `load`.
   * The row's version must still be the one that was loaded; else it throws. Where there are only events, `after` is `before`,
   * and the version stays.
   */
  save(tx: Tx, change: Change<S>): Promise<void>
  /** How decisions on several subjects are written together; without it each has a transaction of its own. */
  readonly saving?: Saving<S>
  /** Looks at the cluster. Repeatable at any time, changes nothing. A source that does not answer is an observation too. */
  observe(state: S, lease: Lease): Promise<O>
  /** True when a running act must be ended because of what a command asked meanwhile. */
  mustAbort(state: S): boolean
}
