import type { Migration } from '../migration.ts'

/** What an installation remembers of itself: which key seals what is in it, how far its first start came. */
export const installation: Migration = {
  name: '0008_installation',
  up: [
    `create table installation (
      name text primary key,
      value jsonb not null,
      at timestamptz not null
    )`,
  ],
  down: ['drop table installation'],
}
