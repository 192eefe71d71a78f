import { type SelectQueryBuilder, sql } from 'kysely'
import type { Waiting } from '../../core/decision.ts'
import type { Principal, Uuid } from '../../core/subject.ts'
import { contains, onPage, type Page } from '../../infra/database/ordered.ts'
import type { Db } from '../../infra/database/types.ts'
import { waitOfClaim } from '../core/claim-wait.ts'
import type { Execution, ExecutionStatus, InstanceStatus } from '../core/model.ts'
import { withoutInstances } from './rows.ts'
import { isActive, tables, type UpgradeTables } from './tables.ts'

/** Which executions a list shows. */
export type ExecutionFilter = {
  /** Of which tenants: what the caller may see, or one of them. */
  readonly tenants: Principal['tenants']
  readonly status?: ExecutionStatus | undefined
  readonly componentId?: Uuid | undefined
  readonly rehearsal?: boolean | undefined
  /** Only what needs a person. */
  readonly attention?: boolean | undefined
  /** Part of a version, the strategy, or who asked. */
  readonly q?: string | undefined
}

/** The orders of a list of executions; `-` is descending. Its default is newest first. */
export const executionOrders = ['createdAt', '-createdAt'] as const
export type ExecutionOrder = (typeof executionOrders)[number]

/** How many instances stand where; a status that none has is left out. */
export type InstanceCounts = Readonly<Partial<Record<InstanceStatus, number>>>
/** An execution as lists read it: its instances are counted, not read. */
export type ListedExecution = { readonly execution: Omit<Execution, 'instances'>; readonly counts: InstanceCounts }

const instanceCounts = sql<InstanceCounts>`coalesce((select jsonb_object_agg(status, n) from (
  select state->>'status' as status, count(*) as n from instances
  where execution_id = executions.id group by 1) as counted), '{}')`

/** Executions of a filter, in an order. */
export async function listExecutions(
  db: Db,
  filter: ExecutionFilter,
  page: Page<ExecutionOrder>,
): Promise<readonly ListedExecution[]> {
  const rows = await filtered(tables(db).selectFrom('executions').selectAll('executions'), filter)
    .select(instanceCounts.as('counts'))
    .$call(onPage('created_at', page))
    .execute()
  return rows.map(({ counts, ...row }) => ({ execution: withoutInstances(row), counts }))
}

/** How many executions a filter has in all. */
export async function countExecutions(db: Db, filter: ExecutionFilter): Promise<number> {
  const query = tables(db).selectFrom('executions').select(sql<number>`count(*)`.as('n'))
  return (await filtered(query, filter).executeTakeFirstOrThrow()).n
}

type Executions<O> = SelectQueryBuilder<UpgradeTables, 'executions', O>

function filtered<O>(query: Executions<O>, filter: ExecutionFilter): Executions<O> {
  const { tenants, status, componentId, rehearsal, attention, q } = filter
  let narrowed = query
  if (tenants !== 'all') narrowed = narrowed.where('tenant_id', '=', sql<string>`any(${[...tenants]}::uuid[])`)
  if (status !== undefined) narrowed = narrowed.where('status', '=', status)
  if (componentId !== undefined) narrowed = narrowed.where('component_id', '=', componentId)
  if (rehearsal !== undefined) narrowed = narrowed.where('rehearsal', '=', rehearsal)
  if (attention === true) narrowed = narrowed.where(needsAttention)
  return q === undefined ? narrowed : narrowed.where(contains(searched, q))
}

/** What waits for somebody: a pause, an approval, a promotion, or a failure that nobody has followed up. */
const needsAttention = sql<boolean>`(status in ('PAUSED', 'CANARY_MONITORING') or (status = 'FAILED' and not rehearsal
  and not exists (select from executions later where later.tenant_id = executions.tenant_id
    and later.component_id = executions.component_id and not later.rehearsal
    and later.created_at > executions.created_at)))`

/** What `q` is looked for in. */
const searched = [
  ...['strategy', 'performed_by'],
  ...[sql`request->'from'->>'version'`, sql`request->'to'->>'version'`, sql`request->>'label'`],
]

/** Whether the tenant may know the id at all, without reading the execution. */
export async function tenantOfExecution(db: Db, id: Uuid): Promise<Uuid | null> {
  const row = await tables(db).selectFrom('executions').select('tenant_id').where('id', '=', id).executeTakeFirst()
  return row?.tenant_id ?? null
}

export type ActiveExecution = { readonly id: Uuid; readonly status: ExecutionStatus }

/** The active execution of a tenant's component; null when there is none. */
export async function activeExecution(
  db: Db,
  of: { readonly tenantId: Uuid; readonly componentId: Uuid; readonly rehearsal: boolean },
): Promise<ActiveExecution | null> {
  const row = await tables(db)
    .selectFrom('executions')
    .select(['id', 'status'])
    .where('tenant_id', '=', of.tenantId)
    .where('component_id', '=', of.componentId)
    .where('rehearsal', '=', of.rehearsal)
    .where(isActive)
    .executeTakeFirst()
  return row === undefined ? null : { id: row.id, status: row.status as ExecutionStatus }
}

/** What each of these executions makes the releases wait for that it holds, by its id. */
export async function waitsOfClaims(db: Db, ids: readonly Uuid[]): Promise<ReadonlyMap<Uuid, Waiting>> {
  if (ids.length === 0) return new Map()
  const rows = await tables(db)
    .selectFrom('executions')
    .select(['id', 'status', 'waiting_for'])
    .where('id', '=', sql<string>`any(${[...ids]}::uuid[])`)
    .execute()
  return new Map(
    rows.map(({ id, status, waiting_for }) => {
      const waitingFor = waiting_for as Waiting | null
      return [id, waitOfClaim({ id, status: status as ExecutionStatus, waitingFor })]
    }),
  )
}

type Ends = { readonly from: { readonly id: Uuid }; readonly to: { readonly id: Uuid } }

type LeftReleases = Ends & {
  readonly tenantId: Uuid
  readonly componentId: Uuid
  readonly releaseIds: readonly Uuid[]
}

/**
 * Whether the newest execution of a tenant's component that has deployed and ended did so in the middle, over all of these
 * releases and between these versions. One that deployed nothing has left nothing, and hides nothing either.
 */
export async function endedHalfWay(db: Db, left: LeftReleases): Promise<boolean> {
  const row = await tables(db)
    .selectFrom('executions')
    .select(['status', 'request'])
    .where('tenant_id', '=', left.tenantId)
    .where('component_id', '=', left.componentId)
    .where('rehearsal', '=', false)
    .where('ended_at', 'is not', null)
    .where(sql<boolean>`state->'deployed' = 'true'`)
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (row === undefined || (row.status !== 'CANCELLED' && row.status !== 'FAILED')) return false
  return isBetween(row.request as unknown as Ends & Pick<Execution, 'target'>, left)
}

function isBetween({ from, to, target }: Ends & Pick<Execution, 'target'>, left: LeftReleases): boolean {
  if (target.kind !== 'releases') return false
  const [ends, moved] = [new Set([left.from.id, left.to.id]), new Set(target.releaseIds)]
  return ends.has(from.id) && ends.has(to.id) && left.releaseIds.every((id) => moved.has(id))
}

/** `seeds/004`, "ExecutionStatistics Structure". Rehearsals are not counted. */
export type Statistics = {
  readonly componentId: Uuid
  readonly totalExecutions: number
  readonly successfulExecutions: number
  readonly failedExecutions: number
  readonly successRate: number
  readonly averageDurationSeconds: number
}

/** Statistics of a component over the executions of these tenants (SPEC section 5, "Statistics"). */
export async function statisticsOf(db: Db, componentId: Uuid, tenants: Principal['tenants']): Promise<Statistics> {
  const seconds = sql<number | null>`avg(extract(epoch from ended_at - started_at))
    filter (where status = 'COMPLETED')::float8`
  const query = tables(db)
    .selectFrom('executions')
    .select([
      sql<number>`count(*)`.as('total'),
      sql<number>`count(*) filter (where status = 'COMPLETED')`.as('successful'),
      sql<number>`count(*) filter (where status in ('FAILED', 'ROLLED_BACK'))`.as('failed'),
      seconds.as('seconds'),
    ])
  const row = await filtered(query, { tenants, componentId, rehearsal: false }).executeTakeFirstOrThrow()
  const ended = row.successful + row.failed
  return {
    componentId,
    totalExecutions: row.total,
    successfulExecutions: row.successful,
    failedExecutions: row.failed,
    successRate: ended === 0 ? 0 : (row.successful / ended) * 100,
    averageDurationSeconds: row.seconds ?? 0,
  }
}

/** How many executions are under way, by status; rehearsals too. For the metrics. */
export async function countActive(db: Db): Promise<Readonly<Record<string, number>>> {
  const rows = await tables(db)
    .selectFrom('executions')
    .select(['status', sql<number>`count(*)`.as('n')])
    .where(isActive)
    .groupBy('status')
    .execute()
  return Object.fromEntries(rows.map(({ status, n }) => [status, n]))
}
