import { type Selectable, type SelectQueryBuilder, sql } from 'kysely'
import { minutes } from '../../core/instant.ts'
import type { Json } from '../../core/json.ts'
import type { Uuid } from '../../core/subject.ts'
import { contains, onPage, type Page, type Place, placeAt } from '../../infra/database/ordered.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import type { PastRevision } from '../../infra/kubernetes/index.ts'
import { CannotOpen, type Vault } from '../../infra/secrets/vault.ts'
import { type ReleaseStatus, type RevisionSummary, releaseStatuses } from '../core/model.ts'
import { revisionColumns, revisionOf } from './rows.ts'
import { sealedAs } from './sealed.ts'
import { watchedUntil } from './sightings.ts'
import { type ReleaseRow, type ReleaseTables, tables } from './tables.ts'

/** Which tenants a query may show: all of them, or these. */
export type Scope = 'all' | readonly Uuid[]

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

/** A chart that runs somewhere, at the version that was deployed last. */
export type DeployedChart = { readonly chartName: string; readonly chartVersion: string }

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
  of(db).selectFrom('releases').select(listColumns).select(watchedUntil.as('watched_until'))

type Releases<O> = SelectQueryBuilder<ReleaseTables, 'releases', O>

const byName = (order: ReleaseOrder): boolean => order.endsWith('releaseName')

/** Where a release stands in an order. */
export function placeOfRelease(order: ReleaseOrder, { id, name, created_at }: ReleaseListing): Place {
  return byName(order) ? { value: name, id } : placeAt(created_at.getTime(), id)
}

/** Releases of a filter, in an order. Lists leave UNINSTALLED out unless `status` asks (SPEC section 3). */
export async function listReleases(
  db: Db | Tx,
  scope: Scope,
  filter: ReleaseFilter,
  page: Page<ReleaseOrder>,
): Promise<readonly ReleaseListing[]> {
  return filtered(within(listing(db), scope), filter)
    .$call(onPage(byName(page.order) ? 'name' : 'created_at', page))
    .execute()
}

/** How many releases a filter has in all. */
export async function countReleases(db: Db | Tx, scope: Scope, filter: ReleaseFilter): Promise<number> {
  const query = of(db).selectFrom('releases').select(sql<string>`count(*)`.as('n'))
  const row = await filtered(within(query, scope), filter).executeTakeFirstOrThrow()
  return Number(row.n)
}

function within<O>(query: Releases<O>, scope: Scope): Releases<O> {
  return scope === 'all' ? query : query.where('tenant_id', '=', sql<string>`any(${[...scope]}::uuid[])`)
}

function filtered<O>(query: Releases<O>, filter: ReleaseFilter): Releases<O> {
  let q =
    filter.status === undefined ? query.where('status', '<>', 'UNINSTALLED') : query.where('status', '=', filter.status)
  if (filter.chart !== undefined) q = q.where('chart', '=', filter.chart)
  if (filter.chartVersion !== undefined) q = q.where('chart_version', '=', filter.chartVersion)
  if (filter.tenantId !== undefined) q = q.where('tenant_id', '=', filter.tenantId)
  if (filter.namespace !== undefined) q = q.where('namespace', '=', filter.namespace)
  if (filter.attention === true) q = q.where(needsAttention)
  return filter.q === undefined ? q : q.where(contains(['name', 'namespace', 'chart'], filter.q))
}

/** How long instances may be missing before it is no restart any more and no moving to another node. */
const patienceMs = minutes(5)

/** Its workloads were there and are gone: nothing brings them back by itself. Or some of its instances do not come up. */
const isUnwell = sql<boolean>`(health @> '{"watched": true, "workloads": 0}' or (health @> '{"watched": true}'
  and (health->>'ready')::int < (health->>'total')::int
  and (health->>'observedAt')::bigint < extract(epoch from now()) * 1000 - ${sql.lit(patienceMs)}))`

/** What an operation or an execution works on is in its hands, a frozen release that an execution has taken over too. */
const needsAttention = sql<boolean>`(status = 'FAILED' or pending_by is not null
  or (claimed_by_execution is null and (frozen <> 'null'::jsonb
    or (status = 'DEPLOYED' and current_operation_id is null and ${isUnwell}))))`

/** The release that has a name now, if there is one; those that are UNINSTALLED have given theirs up. */
export async function releaseByName(tx: Tx, clusterId: Uuid, namespace: string, name: string) {
  const row = await tables(tx)
    .selectFrom('releases')
    .select(['id', 'status'])
    .where('cluster_id', '=', clusterId)
    .where('namespace', '=', namespace)
    .where('name', '=', name)
    .where('status', '<>', 'UNINSTALLED')
    .executeTakeFirst()
  return row === undefined ? null : { id: row.id, status: row.status as ReleaseStatus }
}

/** Releases by their ids, in no order. */
export async function releasesByIds(db: Db | Tx, ids: readonly Uuid[]): Promise<readonly ReleaseListing[]> {
  if (ids.length === 0) return []
  const wanted = sql<string>`any(${[...ids]}::uuid[])`
  return listing(db).where('id', '=', wanted).execute()
}

/** Every revision of a release, newest first. */
export async function historyOf(db: Db | Tx, releaseId: Uuid): Promise<readonly RevisionSummary[]> {
  const rows = await of(db)
    .selectFrom('revisions')
    .select(revisionColumns)
    .where('release_id', '=', releaseId)
    .orderBy('revision', 'desc')
    .execute()
  return rows.map(revisionOf)
}

/** Values and manifest of one revision, decrypted; null when it is not mirrored. */
export async function revisionContent(db: Db | Tx, vault: Vault, releaseId: Uuid, revision: number) {
  const row = await of(db)
    .selectFrom('revisions')
    .selectAll()
    .where('release_id', '=', releaseId)
    .where('revision', '=', revision)
    .executeTakeFirst()
  if (row === undefined) return null
  const values = vault.open(row.values_enc, sealedAs.revisionValues(releaseId, revision))
  const manifest = String(vault.open(row.manifest_enc, sealedAs.manifest(releaseId, revision)))
  return { ...revisionOf(row), values, manifest }
}

const rememberedValues = 20

/** The values of the newest revisions, decrypted: what was secret in one of them stays so. */
export async function recentValues(db: Db | Tx, vault: Vault, releaseId: Uuid): Promise<readonly Json[]> {
  const rows = await of(db)
    .selectFrom('revisions')
    .select(['values_enc', 'revision'])
    .where('release_id', '=', releaseId)
    .orderBy('revision', 'desc')
    .limit(rememberedValues)
    .execute()
  return rows.map((row) => vault.open(row.values_enc, sealedAs.revisionValues(releaseId, row.revision)))
}

/** The newest revision that an upgrade of an execution made; null when it made none. */
export async function abandonedRevision(db: Db | Tx, releaseId: Uuid, executionId: Uuid): Promise<number | null> {
  const row = await of(db)
    .selectFrom('revisions')
    .innerJoin('operations', 'operations.id', 'revisions.operation_id')
    .select('revisions.revision')
    .where('revisions.release_id', '=', releaseId)
    .where('operations.execution_id', '=', executionId)
    .where('operations.kind', '=', 'upgrade')
    .orderBy('revisions.revision', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.revision ?? null
}

/** The manifest of the newest mirrored revision; null when there is none. */
export async function newestManifest(db: Db | Tx, vault: Vault, releaseId: Uuid): Promise<string | null> {
  const row = await of(db)
    .selectFrom('revisions')
    .select(['manifest_enc', 'revision'])
    .where('release_id', '=', releaseId)
    .orderBy('revision', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : String(vault.open(row.manifest_enc, sealedAs.manifest(releaseId, row.revision)))
}

/**
 * Every mirrored revision with all that it named, its hooks included, newest first: read one by one, as they are asked for.
 * Null stands for what cannot be opened: one that is damaged must not hide the others.
 */
export async function* pastRevisions(db: Db, vault: Vault, releaseId: Uuid): AsyncGenerator<PastRevision> {
  for (let row = await pastRow(db, releaseId, null); row !== undefined; ) {
    const { revision } = row
    yield { revision, manifest: namedBy(row, vault, releaseId) }
    row = await pastRow(db, releaseId, revision)
  }
}

type PastRow = NonNullable<Awaited<ReturnType<typeof pastRow>>>

function namedBy({ revision, manifest_enc, hooks_enc }: PastRow, vault: Vault, releaseId: Uuid): string | null {
  try {
    const manifest = vault.open(manifest_enc, sealedAs.manifest(releaseId, revision))
    const hooks = hooks_enc === null ? '' : vault.open(hooks_enc, sealedAs.hooks(releaseId, revision))
    return `${manifest}\n---\n${hooks}`
  } catch (error) {
    if (error instanceof CannotOpen) return null
    throw error
  }
}

function pastRow(db: Db, releaseId: Uuid, below: number | null) {
  const query = of(db).selectFrom('revisions').select(['manifest_enc', 'hooks_enc', 'revision'])
  const older = below === null ? query : query.where('revision', '<', below)
  return older.where('release_id', '=', releaseId).orderBy('revision', 'desc').limit(1).executeTakeFirst()
}

export type Summary = {
  readonly total: number
  readonly byStatus: Readonly<Record<ReleaseStatus, number>>
  readonly byChart: Readonly<Record<string, number>>
}

/** Counts from the counter table: never a scan of the releases. UNINSTALLED and never deployed ones are in `byStatus` only (SPEC section 3). */
export async function summarize(db: Db | Tx, scope: Scope): Promise<Summary> {
  const rows = await counters(db, scope)
    .select(['chart', 'status', sql<string>`sum(n)`.as('n')])
    .groupBy(['chart', 'status'])
    .execute()
  const byStatus = Object.fromEntries(releaseStatuses.map((status) => [status, 0])) as Record<ReleaseStatus, number>
  const byChart: Record<string, number> = {}
  for (const { chart, status, n } of rows) {
    byStatus[status as ReleaseStatus] += Number(n)
    if (status !== 'UNINSTALLED' && chart !== '' && Number(n) > 0) byChart[chart] = (byChart[chart] ?? 0) + Number(n)
  }
  const total = Object.values(byChart).reduce((sum, n) => sum + n, 0)
  return { total, byStatus, byChart }
}

/** How many releases of a chart are at which version. */
export async function versionsOf(db: Db | Tx, scope: Scope, chart: string): Promise<Readonly<Record<string, number>>> {
  const rows = await counters(db, scope)
    .select(['chart_version', sql<string>`sum(n)`.as('n')])
    .where('chart', '=', chart)
    .groupBy('chart_version')
    .having(sql<boolean>`sum(n) > 0`)
    .execute()
  return Object.fromEntries(rows.map((row) => [row.chart_version, Number(row.n)]))
}

function counters(db: Db | Tx, scope: Scope) {
  const query = of(db).selectFrom('release_counts')
  return scope === 'all' ? query : query.where('tenant_id', '=', sql<string>`any(${[...scope]}::uuid[])`)
}

/** Releases of a chart at any of these versions, oldest first. Releases that never were DEPLOYED are not among them. */
export async function releasesAtVersions(
  db: Db | Tx,
  scope: Scope,
  chart: string,
  versions: readonly string[],
): Promise<readonly ReleaseListing[]> {
  const query = listing(db).where('chart', '=', chart)
  return within(query, scope)
    .where('chart_version', '=', sql<string>`any(${[...versions]}::text[])`)
    .where('status', '<>', 'UNINSTALLED')
    .where('ever_deployed', '=', true)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
}

/** Each chart and version that a tenant's releases run, once. Releases that never were DEPLOYED run none. */
export async function deployedCharts(db: Db | Tx, tenantId: Uuid): Promise<readonly DeployedChart[]> {
  const rows = await of(db)
    .selectFrom('releases')
    .select(['chart', 'chart_version'])
    .distinct()
    .where('tenant_id', '=', tenantId)
    .where('status', '<>', 'UNINSTALLED')
    .where('ever_deployed', '=', true)
    .orderBy('chart')
    .orderBy('chart_version')
    .execute()
  return rows.map((row) => ({ chartName: row.chart, chartVersion: row.chart_version }))
}

function of(db: Db | Tx) {
  return tables(db as Tx)
}
