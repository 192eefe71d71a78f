import type { Migration } from '../migration.ts'

/** Until when the watch of a cluster's workloads vouches for the health that releases show. */
export const health: Migration = {
  name: '0006_health',
  up: [
    `create table health_watches (
      cluster_id uuid primary key references clusters(id),
      seen_at timestamptz not null
    )`,
  ],
  down: ['drop table health_watches'],
}
