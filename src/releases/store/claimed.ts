import { type Selectable, sql } from 'kysely'
import type { Instant } from '../../core/instant.ts'
import type { ErrorCode } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Db } from '../../infra/database/types.ts'
import { standsOfHand } from '../core/without-effect.ts'
import type { ClaimedSight, OrderSight } from '../execution-orders.ts'
import { statusBeneath } from './rows.ts'
import { type ReleaseRow, tables } from './tables.ts'

type Asked = { readonly releaseId: Uuid; readonly operationIds: readonly Uuid[] }
type OrderDocument = {
  readonly id: Uuid
  readonly status: string
  readonly phase: string
  readonly deadline: Instant | null
  /** Why it waits, and what is said of that. */
  readonly reason: string | null
  readonly awaits: string | null
  readonly error: { readonly code: ErrorCode; readonly detail: string } | null
}

/** Looks at claimed releases and the operations that their executions gave, all in one statement: of one moment. */
export async function lookAtClaimed(db: Db, asked: readonly Asked[]): Promise<readonly ClaimedSight[]> {
  if (asked.length === 0) return []
  const ids = asked.map(({ releaseId }) => releaseId)
  const operationIds = asked.flatMap((one) => one.operationIds)
  const rows = await tables(db)
    .selectFrom('releases')
    .leftJoin('revisions', (join) =>
      join.onRef('revisions.release_id', '=', 'releases.id').onRef('revisions.secret_uid', '=', 'releases.secret_uid'),
    )
    .select([
      'releases.id',
      'releases.status',
      'releases.revision',
      'releases.pending_by',
      'releases.claim',
      'releases.secret_uid',
      'revisions.operation_id as made_by',
    ])
    .select(ordersOf(operationIds).as('orders'))
    .where('releases.id', '=', sql<string>`any(${ids}::uuid[])`)
    .execute()
  return asked.map((one) =>
    sightOf(
      one,
      rows.find(({ id }) => id === one.releaseId),
    ),
  )
}

function ordersOf(ids: readonly Uuid[]) {
  return sql<readonly OrderDocument[]>`coalesce((
    select jsonb_agg(jsonb_build_object('id', id, 'status', o.status, 'phase', o.state->'phase'->>'name',
      'deadline', o.state->'deadline', 'reason', o.waiting_for->>'reason', 'awaits', o.waiting_for->>'detail',
      'error', o.error))
    from operations o where o.release_id = releases.id and o.id = any(${[...ids]}::uuid[])), '[]')`
}

type Row = {
  readonly status: string
  readonly revision: number
  readonly pending_by: string | null
  readonly claim: Selectable<ReleaseRow>['claim']
  readonly secret_uid: string | null
  readonly made_by: Uuid | null
  readonly orders: readonly OrderDocument[]
}

function sightOf({ releaseId, operationIds }: Asked, row: Row | undefined): ClaimedSight {
  const orders = row?.orders ?? []
  const sights = operationIds.map((id) => [id, orderSight(orders.find((order) => order.id === id))] as const)
  return {
    releaseId,
    exists: row !== undefined && row.status !== 'UNINSTALLED',
    revision: row?.revision ?? 0,
    secretUid: row?.secret_uid ?? null,
    madeBy: row?.made_by ?? null,
    stands: row === undefined ? null : standsOf(row),
    orders: Object.fromEntries(sights),
  }
}

const standsOf = (row: Row): ClaimedSight['stands'] =>
  standsOfHand({ status: statusBeneath(row), pendingBy: row.pending_by === 'external' ? 'external' : null })

/** How an order stands, from what is stored of it. Pure. */
export function orderSight(order: OrderDocument | undefined): OrderSight {
  if (order === undefined) return { kind: 'absent' }
  if (order.status === 'SUCCEEDED') return { kind: 'succeeded' }
  if (order.status === 'FAILED' || order.status === 'CANCELLED') return { kind: 'failed', ...(order.error ?? notBegun) }
  const { phase, deadline, reason, awaits } = order
  if (phase === 'held') return { kind: 'held' }
  return { kind: 'running', until: deadline, awaits: whileHelmActs.has(reason ?? '') ? awaits : null }
}

/** Beside these an order waits for something else than helm: a worker before it is begun, a cluster that does not answer. */
const whileHelmActs: ReadonlySet<string> = new Set(['APPLYING', 'ROLLING_BACK'])

const notBegun = { code: 'cancelled', detail: 'it was concluded before helm began' } as const
