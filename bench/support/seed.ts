import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Db } from '../../src/infra/database/types.ts'

/** What the rows of a seeded fleet are made of. */
export const seeded = {
  charts: 10,
  versions: 12,
  tenants: 10_000,
  chart: (n: number) => `service-${n}`,
  version: (n: number) => `1.${n}.0`,
  tenantId: (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
  namespace: (n: number) => `team-${n}`,
} as const

/**
 * Releases as the code would have written them, on a cluster that no kubeconfig has, so that nothing watches them. The
 * first of 10,000 tenants has a hundredth of them, most have some dozens; most releases run one of the newest versions of their
 * chart; some have failed, are pending, were never deployed, or are uninstalled. Values are one sealed text that all share.
 */
export async function seedReleases(db: Db, rows: number): Promise<void> {
  const clusterId = '00000000-0000-4000-8000-0000be7c0000'
  await sql`select setseed(0.5)`.execute(db)
  await sql`insert into clusters values (${clusterId}, 'seeded', 'seeded', now())`.execute(db)
  await sql`insert into tenants select ('00000000-0000-4000-8000-' || lpad(t::text, 12, '0'))::uuid, 'team ' || t,
    ${clusterId}, null, now() from generate_series(0, ${seeded.tenants}::int - 1) t`.execute(db)
  await sql`insert into namespaces select ${clusterId}, 'team-' || t,
    ('00000000-0000-4000-8000-' || lpad(t::text, 12, '0'))::uuid, now()
    from generate_series(0, ${seeded.tenants}::int - 1) t`.execute(db)
  const values = createHash('sha512').update('sealed').digest()
  const atOnce = 100_000
  const makeIndexes = await dropIndexes(db)
  for (let from = 1; from <= rows; from += atOnce)
    await insertSome(db, { from, to: Math.min(rows, from + atOnce - 1), rows, clusterId, values })
  await makeIndexes()
  await sql`insert into tenant_counts select tenant_id, chart, chart_version, status, ever_deployed, count(*)
    from releases group by 1, 2, 3, 4, 5`.execute(db)
  await sql`insert into fleet_counts select chart, chart_version, status, ever_deployed, count(*)
    from releases group by 1, 2, 3, 4`.execute(db)
  await sql`vacuum analyze`.execute(db)
  // What is still to be written to the disk would be waited for by whoever reads next.
  await sql`checkpoint`.execute(db)
}

/** Rows are written several times as quickly where there is no index; what is returned makes them again. */
async function dropIndexes(db: Db): Promise<() => Promise<void>> {
  const { rows } = await sql<{ indexname: string; indexdef: string }>`select indexname, indexdef from pg_indexes
    where tablename = 'releases' and indexname <> 'releases_pkey'`.execute(db)
  for (const { indexname } of rows) await sql`drop index ${sql.ref(indexname)}`.execute(db)
  return async () => {
    for (const { indexdef } of rows) await sql.raw(indexdef).execute(db)
  }
}

type Some = {
  readonly from: number
  readonly to: number
  readonly rows: number
  readonly clusterId: string
  readonly values: Buffer
}

function insertSome(db: Db, { from, to, rows, clusterId, values }: Some) {
  return sql`
    with drawn as (
      select n, gen_random_uuid() as id, floor(${seeded.tenants}::int * power(random(), 2))::int as tenant,
        floor(${seeded.charts}::int * power(random(), 1.5))::int as chart,
        ${seeded.versions}::int - 1 - floor(${seeded.versions}::int * power(random(), 3))::int as version,
        random() as fate, random() as fortune, 1 + floor(5 * random())::int as replicas,
        now() - interval '365 days' * (1 - n::float8 / ${rows}::int) as created
      from generate_series(${from}::int, ${to}::int) n),
    fated as (
      select *, case when fate < 0.9 then 'DEPLOYED' when fate < 0.98 then 'UNINSTALLED' when fate < 0.998 then 'FAILED'
        when fate < 0.9985 then 'PENDING_INSTALL' when fate < 0.9995 then 'PENDING_UPGRADE' else 'PENDING_ROLLBACK' end as status
      from drawn)
    insert into releases (id, tenant_id, cluster_id, namespace, name, chart, chart_version, attempted_chart_version,
      app_version, status, failed_kind, ever_deployed, revision, secret_uid, values_enc, description, health, waiting_for,
      pending_by, frozen, leftovers, claimed_by_execution, operation_id, current_operation_id, observed, performed_by, seq,
      version, created_at, updated_at, claim)
    select id, ('00000000-0000-4000-8000-' || lpad(tenant::text, 12, '0'))::uuid, ${clusterId}::uuid, 'team-' || tenant,
      'service-' || chart || '-' || n, 'service-' || chart, '1.' || version || '.0',
      case when status = 'FAILED' then '1.' || version + 1 || '.0' end, '2.' || version || '.0', status,
      case when status = 'FAILED' then 'upgrade' end,
      status <> 'PENDING_INSTALL' and (status <> 'FAILED' or fortune < 0.8), 1 + version,
      gen_random_uuid()::text, ${values}, 'Upgrade complete',
      case when status = 'UNINSTALLED' then 'null'::jsonb
        else jsonb_build_object('ready', case when fortune < 0.005 then replicas - 1 else replicas end, 'total', replicas,
          'watched', true, 'workloads', 1, 'observedAt', (extract(epoch from created) * 1000)::bigint) end,
      'null', null, 'null', '[]', null, null, null,
      jsonb_build_object('secretUid', gen_random_uuid(), 'resourceVersion', n::text), 'pipeline', 4, 7, created, created,
      'null'
    from fated`.execute(db)
}
