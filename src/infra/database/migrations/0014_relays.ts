import type { Migration } from '../migration.ts'

/** How far each topic of a broker has come, and what finds the next events of a kind. */
export const relays: Migration = {
  name: '0014_relays',
  up: [
    `create table relays (
      id uuid primary key,
      topic text not null unique,
      position bigint not null,
      failures int not null,
      retry_at timestamptz
    )`,
    'create index events_of_kind on events (subject_kind, feed_seq)',
  ],
  down: ['drop index events_of_kind', 'drop table relays'],
}
