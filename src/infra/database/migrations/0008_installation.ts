import type { Migration } from '../migration.ts'

/**
 * What an installation remembers of itself: which key seals what is in it, how far its first start came. And the
 * operation that an entry of the audit log is about, which says how it ended.
 */
export const installation: Migration = {
  name: '0008_installation',
  up: [
    `create table installation (
      name text primary key,
      value jsonb not null,
      at timestamptz not null
    )`,
    'alter table audit add column operation_id uuid',
  ],
  down: ['alter table audit drop column operation_id', 'drop table installation'],
}
