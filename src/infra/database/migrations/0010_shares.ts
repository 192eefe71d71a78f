import type { Migration } from '../migration.ts'

/** Whose share of the slots work takes, and what finds the oldest of each, and the operations of a tenant that wait. */
export const shares: Migration = {
  name: '0010_shares',
  up: [
    "alter table work add column share uuid not null default '00000000-0000-0000-0000-000000000000'",
    `update work set share = releases.tenant_id from releases
      where work.kind = 'release' and work.subject_id = releases.id`,
    `update work set share = executions.tenant_id from executions
      where work.kind = 'execution' and work.subject_id = executions.id`,
    'create index work_of_share on work (share, due_at)',
    'create index operations_queued on operations (tenant_id) where started_at is null and ended_at is null',
  ],
  down: ['drop index operations_queued', 'drop index work_of_share', 'alter table work drop column share'],
}
