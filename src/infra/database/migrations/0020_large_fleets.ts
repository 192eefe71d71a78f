import type { Migration } from '../migration.ts'

const isThere = "status <> 'UNINSTALLED'"
const isFailing = `status = 'FAILED' or pending_by is not null
  or (claimed_by_execution is null and frozen <> 'null'::jsonb)`
const isUnready = `status = 'DEPLOYED' and pending_by is null and claimed_by_execution is null
  and current_operation_id is null and (frozen is null or frozen = 'null'::jsonb)
  and (health @> '{"watched": true, "workloads": 0}'
    or (health @> '{"watched": true}' and (health->>'ready')::int < (health->>'total')::int))`

/** A server without the extension, or whose owner keeps it from us, searches as before: each release is looked at. */
const wordsIndex = `do $$ begin
    create extension if not exists pg_trgm;
    create index releases_by_words on releases using gin (lower(name || ' ' || namespace || ' ' || chart) gin_trgm_ops);
  exception when insufficient_privilege or undefined_file or feature_not_supported or undefined_object then
    raise notice 'searches of releases have no index: %', sqlerrm;
  end $$`

const dropped = (name: string): string => `drop index releases_${name}`

/**
 * Lists, counts and searches of a fleet of a million releases (docs/adr/0048). The counters are made anew: the old ones
 * do not say of which chart the releases are that never were DEPLOYED or are UNINSTALLED. Until it has been committed nobody
 * reads or changes a release, and a process of the version before can count nothing any more: no change is missed. Dropping
 * an index waits for whoever has read: a weaker lock, made stronger at the end, and a reader who writes would wait for each other.
 */
export const largeFleets: Migration = {
  name: '0020_large_fleets',
  up: [
    'lock table releases, release_counts in access exclusive mode',
    `create table tenant_counts (
      tenant_id uuid not null,
      chart text not null,
      chart_version text not null,
      status text not null,
      ever_deployed boolean not null,
      n bigint not null,
      primary key (tenant_id, chart, chart_version, status, ever_deployed)
    )`,
    `create table fleet_counts (
      chart text not null,
      chart_version text not null,
      status text not null,
      ever_deployed boolean not null,
      n bigint not null
    ) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000)`,
    `insert into tenant_counts select tenant_id, chart, chart_version, status, ever_deployed, count(*)
      from releases group by 1, 2, 3, 4, 5`,
    `insert into fleet_counts select chart, chart_version, status, ever_deployed, count(*)
      from releases group by 1, 2, 3, 4`,
    `create index releases_by_age on releases (created_at desc, id desc) where ${isThere}`,
    `create index releases_in_name_order on releases (name, id) include (namespace, chart) where ${isThere}`,
    'create index releases_of_status_by_age on releases (status, created_at desc, id desc)',
    'create index releases_of_status_by_name on releases (status, name, id)',
    `create index releases_of_tenant_by_age on releases (tenant_id, created_at desc, id desc)
      include (namespace, name, chart, chart_version, status)`,
    'create index releases_of_namespace_by_age on releases (namespace, created_at desc, id desc)',
    `create index releases_of_chart_by_age on releases (chart, chart_version, created_at desc, id desc) where ${isThere}`,
    `create index releases_of_chart_by_name on releases (chart, chart_version, name, id) where ${isThere}`,
    `create index releases_failing on releases (created_at desc, id desc)
      include (tenant_id, namespace, name, chart, chart_version, status) where ${isFailing}`,
    `create index releases_unready on releases (created_at desc, id desc)
      include (tenant_id, namespace, name, chart, chart_version, status, health) where ${isUnready}`,
    wordsIndex,
    ...['newest', 'of_tenant', 'of_chart'].map(dropped),
    'drop table release_counts',
  ],
  down: [
    'lock table releases, tenant_counts, fleet_counts in access exclusive mode',
    ...['unready', 'failing', 'of_chart_by_name', 'of_chart_by_age', 'of_namespace_by_age', 'of_tenant_by_age'].map(
      dropped,
    ),
    ...['of_status_by_name', 'of_status_by_age', 'in_name_order', 'by_age'].map(dropped),
    'drop index if exists releases_by_words',
    'create index releases_of_tenant on releases (tenant_id, id)',
    `create index releases_of_chart on releases (chart, chart_version, id) where ${isThere}`,
    'create index releases_newest on releases (created_at desc, id desc)',
    'drop table fleet_counts',
    'drop table tenant_counts',
    `create table release_counts (
      tenant_id uuid not null,
      chart text not null,
      chart_version text not null,
      status text not null,
      n bigint not null,
      primary key (tenant_id, chart, chart_version, status)
    )`,
    `insert into release_counts select tenant_id, case when known then chart else '' end,
      case when known then chart_version else '' end, status, count(*)
      from (select *, ever_deployed and status <> 'UNINSTALLED' as known from releases) r group by 1, 2, 3, 4`,
  ],
}
