import { type RawBuilder, type Selectable, type SqlBool, sql } from 'kysely'
import { minutes } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import {
  behind,
  containing,
  contains,
  inOrder,
  type OrderColumn,
  onPage,
  type Page,
  type Place,
  placeAt,
} from '../../infra/database/ordered.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import type { ReleaseStatus } from '../core/model.ts'
import { isCounted, sumCounts } from './counts.ts'
import { ofTenants, type Scope } from './scope.ts'
import { watchedUntil } from './sightings.ts'
import { type ReleaseRow, tables } from './tables.ts'

export type ReleaseFilter = {
  readonly status?: ReleaseStatus | undefined
  readonly chart?: string | undefined
  readonly chartVersion?: string | undefined
  readonly tenantId?: Uuid | undefined
  readonly namespace?: string | undefined
  /** Part of the name, the namespace or the chart. */
  readonly q?: string | undefined
  /** Only what needs a person: failed, frozen, or pending by another hand. */
  readonly attention?: boolean | undefined
}

/** The orders of a list of releases; `-` is descending. Its default is newest first. */
export const releaseOrders = ['createdAt', '-createdAt', 'releaseName', '-releaseName'] as const
export type ReleaseOrder = (typeof releaseOrders)[number]

/** A release as lists show it: without its values. */
export type ReleaseListing = Omit<Selectable<ReleaseRow>, 'values_enc' | 'claim'> & {
  readonly watched_until: Date | null
}

const listColumns = [
  'id',
  'tenant_id',
  'cluster_id',
  'namespace',
  'name',
  'chart',
  'chart_version',
  'attempted_chart_version',
  'app_version',
  'status',
  'failed_kind',
  'ever_deployed',
  'revision',
  'secret_uid',
  'description',
  'health',
  'waiting_for',
  'pending_by',
  'frozen',
  'leftovers',
  'claimed_by_execution',
  'operation_id',
  'current_operation_id',
  'observed',
  'performed_by',
  'seq',
  'version',
  'created_at',
  'updated_at',
] as const satisfies readonly (keyof ReleaseRow)[]

/** The releases as lists show them. */
const listing = (db: Db | Tx) =>
  tables(db).selectFrom('releases').select(listColumns).select(watchedUntil.as('watched_until'))

/** Releases by their ids, in no order. */
export async function releasesByIds(db: Db | Tx, ids: readonly Uuid[]): Promise<readonly ReleaseListing[]> {
  if (ids.length === 0) return []
  const wanted = sql<string>`any(${[...ids]}::uuid[])`
  return listing(db).where('id', '=', wanted).execute()
}

const columnOf = (order: ReleaseOrder) => (order.endsWith('releaseName') ? 'name' : 'created_at')

/** Where a release stands in an order. */
export function placeOfRelease(order: ReleaseOrder, { id, name, created_at }: ReleaseListing): Place {
  return columnOf(order) === 'name' ? { value: name, id } : placeAt(created_at.getTime(), id)
}

/** What finds the rows of a page: the ids, and what they are ordered by. */
type Matching = { readonly id: Uuid; readonly created_at: Date; readonly name: string }

/** Releases of a filter, in an order. Lists leave UNINSTALLED out unless `status` asks (SPEC section 3). */
export async function listReleases(
  db: Db | Tx,
  scope: Scope,
  filter: ReleaseFilter,
  page: Page<ReleaseOrder>,
): Promise<readonly ReleaseListing[]> {
  if (filter.attention === true) return pageOf(db, needingAttention(scope, filter, page), page)
  if (isOfChartOnly(scope, filter)) {
    const versions = sql`select distinct chart_version from fleet_counts where ${ofKind(filter)}`
    return pageOf(db, byVersion(versions, ofKind(filter), page), page)
  }
  // Of some tenants an index has all that this asks, so that only the releases of the page are read.
  if (scope !== 'all' || filter.tenantId !== undefined)
    return pageOf(db, sql`(select id, created_at, name from releases where ${matching(scope, filter)})`, page)
  return listing(db)
    .where(matching(scope, filter))
    .$call(onPage(columnOf(page.order), page))
    .execute()
}

/** How many releases a filter has in all: from the counters where they know it. */
export async function countReleases(db: Db | Tx, scope: Scope, filter: ReleaseFilter): Promise<number> {
  const { tenantId, namespace, q, attention } = filter
  if (attention === true) return countOf(db, needingAttention(scope, filter, null))
  if (namespace === undefined && q === undefined) return sumCounts(db, narrowed(scope, tenantId), ofKind(filter))
  return countOf(db, sql`(select id from releases where ${matching(scope, filter)})`)
}

async function countOf(db: Db | Tx, found: RawBuilder<unknown>): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*) as n from ${found} as found`.execute(db)
  return rows[0]?.n ?? 0
}

/** The page of what was found: it is read as a whole where it has been found only. */
function pageOf(db: Db | Tx, found: RawBuilder<Matching>, page: Page<ReleaseOrder>) {
  const column = columnOf(page.order)
  const ids = sql<Uuid>`(select id from ${found} as found where ${behind(column, page)} ${inOrder(column, page)})`
  return listing(db)
    .where('id', 'in', ids)
    .$call(onPage(column, { ...page, after: null }))
    .execute()
}

/** A tenant of a scope alone; nobody where it is none of them. */
function narrowed(scope: Scope, tenantId: Uuid | undefined): Scope {
  if (tenantId === undefined) return scope
  return scope === 'all' || scope.includes(tenantId) ? [tenantId] : []
}

/** What the counters know of a filter. */
function ofKind({ status, chart, chartVersion }: ReleaseFilter) {
  const conditions = [status === undefined ? sql`status <> 'UNINSTALLED'` : sql`status = ${status}`]
  if (chart !== undefined) conditions.push(sql`chart = ${chart}`)
  if (chartVersion !== undefined) conditions.push(sql`chart_version = ${chartVersion}`)
  return sql<SqlBool>`${sql.join(conditions, sql` and `)}`
}

/** All of a filter, but for `attention`. */
function matching(scope: Scope, filter: ReleaseFilter): RawBuilder<SqlBool> {
  const { tenantId, namespace, q } = filter
  const conditions: RawBuilder<unknown>[] = [ofKind(filter)]
  if (scope !== 'all') conditions.push(ofTenants(scope))
  if (tenantId !== undefined) conditions.push(sql`tenant_id = ${tenantId}`)
  if (namespace !== undefined) conditions.push(sql`namespace = ${namespace}`)
  if (q !== undefined) conditions.push(hasWords(q))
  return sql<SqlBool>`${sql.join(conditions, sql` and `)}`
}

/** As an index has it: the words of a release that a search looks in. */
const words = sql`lower(name || ' ' || namespace || ' ' || chart)`

const hasWords = (q: string) => containing(words, q)

/** How long instances may be missing before it is no restart any more and no moving to another node. */
const patienceMs = minutes(5)

/** What has failed, is another hand's or frozen. An execution that has taken a frozen release over sees to it. */
const isFailing = sql<SqlBool>`(status = 'FAILED' or pending_by is not null
  or (claimed_by_execution is null and frozen <> 'null'::jsonb))`

/** Nobody works on it, and its workloads are gone or some of its instances are not ready: those of an index, as it has it. */
const isUnready = sql<SqlBool>`(status = 'DEPLOYED' and pending_by is null and claimed_by_execution is null
  and current_operation_id is null and (frozen is null or frozen = 'null'::jsonb)
  and (health @> '{"watched": true, "workloads": 0}'
    or (health @> '{"watched": true}' and (health->>'ready')::int < (health->>'total')::int)))`

/** Nothing brings back by itself what was there and is gone; what is not ready may be on its way, but not for long. */
const isUnwell = sql<SqlBool>`(${isUnready} and (health @> '{"watched": true, "workloads": 0}'
  or (health->>'observedAt')::bigint < (extract(epoch from now()) * 1000)::bigint - ${sql.lit(patienceMs)}))`

/**
 * What needs a person, of a filter: two sorts, each with an index that has all that filters and orders ask. Of a page the
 * first of either are enough.
 */
function needingAttention(scope: Scope, filter: ReleaseFilter, page: Page<ReleaseOrder> | null): RawBuilder<Matching> {
  const first = page === null ? sql`` : firstOf(columnOf(page.order), page)
  const of = (sort: RawBuilder<SqlBool>) => sql`(select id, created_at, name from releases
    where ${sort} and ${matching(scope, filter)} ${first})`
  return sql`(${of(isFailing)} union all ${of(isUnwell)})`
}

/** The end of a query that finds no more than a page. */
const firstOf = (column: OrderColumn, page: Page) => sql`and ${behind(column, page)} ${inOrder(column, page)}`

/** Which releases of a chart: those at any of these versions, which a search may narrow. */
export type AtVersions = {
  readonly chart: string
  readonly versions: readonly string[]
  readonly q?: string | undefined
}

const atVersions = ({ chart, versions }: AtVersions) =>
  sql<SqlBool>`chart = ${chart} and chart_version = any(${[...versions]}::text[]) and ${isCounted}`

function matchingVersions(scope: Scope, wanted: AtVersions): RawBuilder<SqlBool> {
  const { q } = wanted
  const conditions: RawBuilder<unknown>[] = [atVersions(wanted)]
  if (scope !== 'all') conditions.push(ofTenants(scope))
  if (q !== undefined) conditions.push(hasWords(q), contains(['name', 'namespace'], q))
  return sql<SqlBool>`${sql.join(conditions, sql` and `)}`
}

/** All releases of a chart at some of its versions, oldest first. */
export async function releasesAtVersions(
  db: Db | Tx,
  scope: Scope,
  wanted: AtVersions,
): Promise<readonly ReleaseListing[]> {
  if (wanted.versions.length === 0) return []
  return listing(db).where(matchingVersions(scope, wanted)).orderBy('created_at').orderBy('id').execute()
}

/** A page of them, in an order. */
export async function listAtVersions(
  db: Db | Tx,
  scope: Scope,
  wanted: AtVersions,
  page: Page<ReleaseOrder>,
): Promise<readonly ReleaseListing[]> {
  if (wanted.versions.length === 0) return []
  if (scope === 'all' && wanted.q === undefined) {
    const versions = sql`select unnest(${[...wanted.versions]}::text[]) as chart_version`
    return pageOf(db, byVersion(versions, sql`chart = ${wanted.chart} and ${isCounted}`, page), page)
  }
  return listing(db)
    .where(matchingVersions(scope, wanted))
    .$call(onPage(columnOf(page.order), page))
    .execute()
}

/** How many of them there are in all. */
export async function countAtVersions(db: Db | Tx, scope: Scope, wanted: AtVersions): Promise<number> {
  if (wanted.versions.length === 0) return 0
  if (wanted.q === undefined) return sumCounts(db, scope, atVersions(wanted))
  return countOf(db, sql`(select id from releases where ${matchingVersions(scope, wanted)})`)
}

/** Nothing else than a chart is asked for, or one version of it: all that is there. */
function isOfChartOnly(scope: Scope, { chart, status, tenantId, namespace, q }: ReleaseFilter): boolean {
  const others = [status, tenantId, namespace, q]
  return scope === 'all' && chart !== undefined && others.every((other) => other === undefined)
}

/**
 * The first of each version of a chart, in an order: an index has them so, and the page is among them. Names begin as their
 * chart does and versions come one after another, so that what a search in the order of all releases would have to pass
 * over no statistics tell.
 */
function byVersion(versions: RawBuilder<unknown>, condition: RawBuilder<SqlBool>, page: Page<ReleaseOrder>) {
  const column = columnOf(page.order)
  return sql<Matching>`(select first.* from (${versions}) as versions cross join lateral (
    select id, created_at, name from releases
    where releases.chart_version = versions.chart_version and ${condition} ${firstOf(column, page)}) as first)`
}
