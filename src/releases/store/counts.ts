import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Uuid } from '../../core/subject.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import { type Release, type ReleaseStatus, releaseStatuses } from '../core/model.ts'
import { shownStatus } from '../core/shown.ts'
import { ofTenants, type Scope } from './scope.ts'

/** Under which counter a release stands. */
type CountKey = {
  readonly tenant_id: Uuid
  readonly chart: string
  readonly chart_version: string
  readonly status: ReleaseStatus
  readonly ever_deployed: boolean
}

function countKey(release: Release): CountKey {
  return {
    tenant_id: release.tenantId,
    chart: release.chart,
    chart_version: release.chartVersion,
    status: shownStatus(release),
    ever_deployed: release.everDeployed,
  }
}

const textOf = (key: CountKey): string => JSON.stringify(Object.values(key))

/**
 * Moves a release from one counter to another, of its tenant and of the fleet, in the transaction of its change. Those of a
 * tenant are touched in key order, so that two moves never deadlock. Those of the fleet are of all tenants: what is added is a
 * row of its own, so that nobody waits for anybody (`condenseCounts`).
 */
export async function recount(tx: Tx, before: Release | null, after: Release): Promise<void> {
  const to = countKey(after)
  const from = before === null ? null : countKey(before)
  if (from !== null && textOf(from) === textOf(to)) return
  const changes = [...(from === null ? [] : [{ ...from, n: -1 }]), { ...to, n: 1 }]
  changes.sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1))
  const rows = changes.map(
    (row, at) => sql`(${at}::int, ${row.tenant_id}::uuid, ${row.chart}::text, ${row.chart_version}::text,
      ${row.status}::text, ${row.ever_deployed}::boolean, ${row.n}::bigint)`,
  )
  await sql`with changes (at, tenant_id, chart, chart_version, status, ever_deployed, n) as (values ${sql.join(rows)}),
      of_fleet as (insert into fleet_counts select chart, chart_version, status, ever_deployed, n from changes)
    insert into tenant_counts as c (tenant_id, chart, chart_version, status, ever_deployed, n)
      select tenant_id, chart, chart_version, status, ever_deployed, n from changes order by at
    on conflict (tenant_id, chart, chart_version, status, ever_deployed) do update set n = c.n + excluded.n`.execute(tx)
}

/**
 * Makes one row of those that a counter of the fleet has come to. Whoever reads sees all of them or the one; what is added
 * meanwhile stays as it is, and of two that do this at once the later one finds nothing left to do.
 */
export async function condenseCounts(db: Db): Promise<void> {
  await sql`with scattered as (
      select chart, chart_version, status, ever_deployed from fleet_counts group by 1, 2, 3, 4 having count(*) > 1),
    gone as (
      delete from fleet_counts f using scattered s
      where (f.chart, f.chart_version, f.status, f.ever_deployed) = (s.chart, s.chart_version, s.status, s.ever_deployed)
      returning f.*)
    insert into fleet_counts select chart, chart_version, status, ever_deployed, sum(n) from gone
      group by 1, 2, 3, 4 having sum(n) <> 0`.execute(db)
}

export type Summary = {
  readonly total: number
  readonly byStatus: Readonly<Record<ReleaseStatus, number>>
  readonly byChart: Readonly<Record<string, number>>
}

/**
 * What is in versions, needs-upgrade and batch, of the counters and of the releases alike: until a revision has ended DEPLOYED
 * a release counts by its status only; an UNINSTALLED one does too (SPEC section 3).
 */
export const isCounted = sql<SqlBool>`(ever_deployed and status <> 'UNINSTALLED')`

type SummaryRow = {
  readonly chart: string
  readonly status: ReleaseStatus
  readonly counted: boolean
  readonly n: number
}

/** How many releases there are by status and by chart; the counters are summed, never the releases. */
export async function summarize(db: Db | Tx, scope: Scope): Promise<Summary> {
  const { rows } = await sql<SummaryRow>`select chart, status, ${isCounted} as counted, sum(n)::bigint as n
    from ${counters(scope)} group by 1, 2, 3`.execute(db)
  const byStatus = Object.fromEntries(releaseStatuses.map((status) => [status, 0])) as Record<ReleaseStatus, number>
  const byChart: Record<string, number> = {}
  for (const { chart, status, counted, n } of rows) {
    byStatus[status] += n
    if (counted && n > 0) byChart[chart] = (byChart[chart] ?? 0) + n
  }
  const total = Object.values(byChart).reduce((sum, n) => sum + n, 0)
  return { total, byStatus, byChart }
}

/** How many releases of a chart are at which version. */
export async function versionsOf(db: Db | Tx, scope: Scope, chart: string): Promise<Readonly<Record<string, number>>> {
  const { rows } = await sql<{ chart_version: string; n: number }>`select chart_version, sum(n)::bigint as n
    from ${counters(scope)} where chart = ${chart} and ${isCounted} group by 1 having sum(n) > 0`.execute(db)
  return Object.fromEntries(rows.map((row) => [row.chart_version, row.n]))
}

/** How many releases of some tenants a condition has that speaks of nothing else than chart, version and status. */
export async function sumCounts(db: Db | Tx, scope: Scope, condition: RawBuilder<SqlBool>): Promise<number> {
  const { rows } = await sql<{ n: number | null }>`select sum(n)::bigint as n
    from ${counters(scope)} where ${condition}`.execute(db)
  return rows[0]?.n ?? 0
}

function counters(scope: Scope): RawBuilder<unknown> {
  if (scope === 'all') return sql`fleet_counts`
  return sql`(select * from tenant_counts where ${ofTenants(scope)}) as counts`
}
