import { sql } from 'kysely'
import type { Subject, SubjectKind } from '../../core/subject.ts'
import type { Db } from '../database/types.ts'
import { interval, type Served, type Share, unbounded } from './shares.ts'

export type ClaimOptions = {
  readonly kinds: readonly SubjectKind[]
  readonly limit: number
  /** How much of one share may be held at once, by this worker; as much as there is by default. */
  readonly mostOfShare?: number
  /** The longest not served share first; those that are not there come before them. */
  readonly served?: readonly Served[]
  /** The name of the worker, for people who look at the table. */
  readonly worker: string
  readonly leaseMs: number
  /** How long after the end of a lease that was not given back the subject is left alone: late writes have ended. */
  readonly takeoverMs: number
}

export type Claimed = {
  readonly subject: Subject
  readonly share: Share
  readonly epoch: bigint
  readonly wanted: number
}
export type Claim = {
  /** In the order of their turns. */
  readonly taken: readonly Claimed[]
  /**
   * Milliseconds until the next of what was left is due that nobody holds (0 or less: one is); null: there is none. What
   * is left of a share of which no more may be held does not count: the end of what is held of it changes that.
   */
  readonly nextMs: number | null
}

/**
 * Takes leases on subjects that are due: round robin over shares, within a share the longest due first
 * (docs/adr/0013). Never waits for another worker.
 *
 * `shares` steps through the index from share to share, so that a long queue of one costs no more than a short one.
 * Times are compared with the start of the statement, which an index can be searched by. `array_position` keeps the planner
 * off the index by kind, which it takes for selective when the table has just grown, and which finds all of the queue.
 */
export async function claim(db: Db, options: ClaimOptions): Promise<Claim> {
  const { served = [], mostOfShare = unbounded } = options
  const free = sql`w.due_at <= statement_timestamp() and array_position(${options.kinds}::text[], w.kind) is not null
    and (w.lease_until is null or w.lease_until + ${interval(options.takeoverMs)} <= statement_timestamp())`
  const { rows } = await sql<ClaimRow>`
    with recursive shares as (
      (select w.share from work w where ${free} order by w.share limit 1)
      union all
      select (select w.share from work w where w.share > s.share and ${free} order by w.share limit 1)
      from shares s where s.share is not null),
    served as (
      select share, held, turn
      from unnest(${served.map(({ share }) => share)}::uuid[], ${served.map(({ held }) => held)}::int[])
        with ordinality as served(share, held, turn)),
    candidates as (
      select oldest.*, v.turn from shares s left join served v using (share)
      cross join lateral (
        select w.kind, w.subject_id, w.due_at, row_number() over (order by w.due_at) as nth from work w
        where w.share = s.share and ${free}
        order by w.due_at limit greatest(0, least(${options.limit}::int, ${mostOfShare}::int - coalesce(v.held, 0)))
      ) as oldest),
    due as (
      select w.kind, w.subject_id, w.share, c.nth, c.turn, c.due_at
      from candidates c join work w using (kind, subject_id)
      where ${free}
      order by c.nth, c.turn nulls first, c.due_at limit ${options.limit} for update of w skip locked),
    taken as (
      update work as w set
        epoch = nextval('work_epoch'), seen = w.wanted, worker = ${options.worker},
        lease_until = clock_timestamp() + ${interval(options.leaseMs)},
        due_at = clock_timestamp() + ${interval(options.leaseMs)}
      from due where w.kind = due.kind and w.subject_id = due.subject_id
      returning w.kind, w.subject_id, w.share, w.epoch, w.wanted, due.nth, due.turn, due.due_at as was_due_at),
    spent as (
      select share from (select share, held from served union all select share, 1 from due) as uses
      group by share having sum(held) >= ${mostOfShare}::int),
    next as (
      select (extract(epoch from due_at - clock_timestamp()) * 1000)::float8 as ms from work
      where array_position(${options.kinds}::text[], kind) is not null and lease_until is null
        and share <> all (array(select share from spent))
        and (kind, subject_id) not in (select kind, subject_id from due)
      order by due_at limit 1)
    select taken.kind, taken.subject_id, taken.share, taken.epoch, taken.wanted, (select ms from next) as next_ms
    from (select) as one left join taken on true
    order by taken.nth, taken.turn nulls first, taken.was_due_at`.execute(db)
  return { taken: rows.flatMap(claimedOf), nextMs: rows[0]?.next_ms ?? null }
}

type ClaimRow = { readonly next_ms: number | null } & (
  | {
      readonly kind: SubjectKind
      readonly subject_id: string
      readonly share: Share
      readonly epoch: number
      readonly wanted: number
    }
  | { readonly kind: null }
)

function claimedOf(row: ClaimRow): readonly Claimed[] {
  if (row.kind === null) return []
  const { kind, subject_id: id, share, epoch, wanted } = row
  return [{ subject: { kind, id }, share, epoch: BigInt(epoch), wanted }]
}
