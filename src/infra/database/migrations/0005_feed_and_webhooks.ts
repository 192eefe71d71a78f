import type { Migration } from '../migration.ts'

/**
 * One order over the events of all subjects, and who is told of them. Events that are there already get their place by
 * time, but never against the order of their subject: the clocks of two processes may differ.
 */
export const feedAndWebhooks: Migration = {
  name: '0005_feed_and_webhooks',
  up: [
    'alter table events add column principal_id text',
    'alter table events add column written_seq bigint',
    'alter table events add column feed_seq bigint',
    'create sequence events_written owned by events.written_seq',
    'create sequence events_feed owned by events.feed_seq',
    `update events e set written_seq = ordered.n, feed_seq = ordered.n
      from (
        select subject_kind, subject_id, seq,
          row_number() over (order by not_before, subject_kind, subject_id, seq) as n
        from (
          select subject_kind, subject_id, seq,
            max(at) over (partition by subject_kind, subject_id order by seq) as not_before
          from events) as timed) as ordered
      where (e.subject_kind, e.subject_id, e.seq) = (ordered.subject_kind, ordered.subject_id, ordered.seq)`,
    "select setval('events_written', coalesce(max(written_seq), 0) + 1, false) from events",
    "select setval('events_feed', coalesce(max(feed_seq), 0) + 1, false) from events",
    "alter table events alter column written_seq set default nextval('events_written')",
    'alter table events alter column written_seq set not null',
    'create unique index events_in_feed on events (feed_seq)',
    'create index events_not_in_feed on events (written_seq) where feed_seq is null',
    'create index events_of_tenant on events (tenant_id, feed_seq)',
    `create table webhooks (
      id uuid primary key,
      tenant_id uuid references tenants(id),
      url text not null,
      types text[] not null,
      description text,
      secret_enc bytea not null,
      failing_since timestamptz,
      paused_until timestamptz,
      created_by text not null,
      created_at timestamptz not null
    )`,
    'create index webhooks_of_tenant on webhooks (tenant_id)',
    'create index webhooks_newest on webhooks (created_at desc, id desc)',
    `create table webhook_deliveries (
      id uuid primary key,
      webhook_id uuid not null references webhooks(id) on delete cascade,
      subject_kind text not null,
      subject_id uuid not null,
      seq bigint not null,
      position bigint not null,
      event_id uuid not null,
      type text not null,
      status text not null,
      attempts int not null,
      due_at timestamptz,
      last_status int,
      last_error text,
      redelivery_of uuid,
      created_at timestamptz not null,
      ended_at timestamptz
    )`,
    'create index webhook_deliveries_newest on webhook_deliveries (webhook_id, created_at desc, id desc)',
    'create index webhook_deliveries_due on webhook_deliveries (webhook_id, due_at) where due_at is not null',
    `create index webhook_deliveries_open on webhook_deliveries
      (webhook_id, subject_kind, subject_id, position, created_at) where status = 'PENDING'`,
    'create index webhook_deliveries_age on webhook_deliveries (created_at)',
  ],
  down: [
    'drop table webhook_deliveries',
    'drop table webhooks',
    'drop index events_of_tenant',
    'drop index events_not_in_feed',
    'drop index events_in_feed',
    'alter table events drop column feed_seq',
    'alter table events drop column written_seq',
    'alter table events drop column principal_id',
  ],
}
