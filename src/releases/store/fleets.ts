import { sql } from 'kysely'
import type { Uuid } from '../../core/subject.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import type { Frozen } from '../core/model.ts'
import { tables } from './tables.ts'

/** A release as an upgrade of a fleet sees it. */
export type FleetRelease = {
  readonly id: Uuid
  readonly tenantId: Uuid
  readonly clusterId: Uuid
  readonly namespace: string
  readonly name: string
  readonly chart: string
  /** Of the newest revision that ended DEPLOYED. */
  readonly chartVersion: string
  /** Of the newest revision, however it ended. */
  readonly newestChartVersion: string
  /** That revision ended FAILED: it does not tell what runs. */
  readonly newestFailed: boolean
  readonly status: string
  readonly revision: number
  readonly secretUid: string | null
  /** Which kind of operation left it FAILED. */
  readonly failedKind: string | null
  readonly pendingBy: 'external' | null
  readonly currentOperationId: Uuid | null
  readonly executionId: Uuid | null
  readonly frozen: Frozen | null
}

/** The releases of a tenant that run a chart, oldest first: those that were deployed once and are not UNINSTALLED. */
export async function releasesOfChart(db: Db, tenantId: Uuid, chart: string): Promise<readonly FleetRelease[]> {
  const rows = await fleet(db)
    .where('tenant_id', '=', tenantId)
    .where('releases.chart', '=', chart)
    .where('status', '<>', 'UNINSTALLED')
    .where('ever_deployed', '=', true)
    .orderBy('releases.created_at')
    .orderBy('id')
    .execute()
  return rows.map(releaseOf)
}

/** Releases by their ids, in no order; unknown ones are left out. */
export async function fleetReleases(db: Db, ids: readonly Uuid[]): Promise<readonly FleetRelease[]> {
  if (ids.length === 0) return []
  const wanted = sql<string>`any(${[...ids]}::uuid[])`
  const rows = await fleet(db).where('id', '=', wanted).execute()
  return rows.map(releaseOf)
}

const columns = [
  'id',
  'tenant_id',
  'cluster_id',
  'namespace',
  'name',
  'releases.chart',
  'releases.chart_version',
  'status',
  'releases.revision',
  'releases.secret_uid',
  'failed_kind',
  'pending_by',
  'current_operation_id',
  'claimed_by_execution',
  'frozen',
] as const

function fleet(db: Db) {
  return tables(db as Tx)
    .selectFrom('releases')
    .leftJoin('revisions', (join) =>
      join.onRef('release_id', '=', 'id').onRef('revisions.revision', '=', 'releases.revision'),
    )
    .select([...columns, 'revisions.chart_version as newest_chart_version', 'revisions.verdict as newest_verdict'])
}

type FleetRow = Awaited<ReturnType<ReturnType<typeof fleet>['executeTakeFirstOrThrow']>>

function releaseOf(row: FleetRow): FleetRelease {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    clusterId: row.cluster_id,
    namespace: row.namespace,
    name: row.name,
    chart: row.chart,
    chartVersion: row.chart_version,
    newestChartVersion: row.newest_chart_version ?? row.chart_version,
    newestFailed: row.newest_verdict === 'FAILED',
    status: row.status,
    revision: row.revision,
    secretUid: row.secret_uid,
    failedKind: row.failed_kind,
    pendingBy: row.pending_by as 'external' | null,
    currentOperationId: row.current_operation_id,
    executionId: row.claimed_by_execution,
    frozen: row.frozen as Frozen | null,
  }
}
