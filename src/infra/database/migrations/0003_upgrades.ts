import type { Migration } from '../migration.ts'

const running = "status not in ('ROLLED_BACK', 'COMPLETED', 'FAILED', 'CANCELLED')"

/** Upgrade executions, what they hold in the cluster, and the claim on a release. */
export const upgrades: Migration = {
  name: '0003_upgrades',
  up: [
    // What a claimed release is beneath the status that it shows; null while no execution holds it.
    'alter table releases add column claim jsonb',
    `create table executions (
      id uuid primary key,
      tenant_id uuid not null references tenants(id),
      component_id uuid not null,
      rehearsal boolean not null,
      status text not null,
      strategy text not null,
      request jsonb not null,
      state jsonb not null,
      waiting_for jsonb,
      performed_by text not null,
      principal_id text not null,
      seq bigint not null,
      version int not null,
      created_at timestamptz not null,
      started_at timestamptz,
      ended_at timestamptz
    )`,
    `create unique index executions_one_active on executions (tenant_id, component_id, rehearsal) where ${running}`,
    'create index executions_newest on executions (created_at desc, id desc)',
    'create index executions_of_tenant on executions (tenant_id, created_at desc)',
    'create index executions_of_component on executions (component_id, status)',
    // Who gave an operation that waits for a verdict; `parent_id` is a batch, which is an operation itself.
    'alter table operations add column execution_id uuid references executions(id)',
    'create index operations_of_execution on operations (execution_id) where execution_id is not null',
    `create table instances (
      execution_id uuid not null references executions(id),
      ordinal int not null,
      state jsonb not null,
      primary key (execution_id, ordinal)
    )`,
    // The fields of a workload as they were before a gate was put on it: what the database says decides, not the annotation.
    `create table gates (
      cluster_id uuid not null references clusters(id),
      workload_uid text not null,
      execution_id uuid not null references executions(id),
      release_id uuid not null references releases(id),
      namespace text not null,
      kind text not null,
      name text not null,
      originals jsonb not null,
      state jsonb not null,
      created_at timestamptz not null,
      primary key (cluster_id, workload_uid)
    )`,
    'create index gates_of_execution on gates (execution_id)',
    'create index gates_of_release on gates (release_id)',
    `create table rehearsals (
      execution_id uuid primary key references executions(id),
      world jsonb not null
    )`,
    `create table backups (
      id uuid primary key,
      tenant_id uuid not null references tenants(id),
      namespace text not null,
      taken_at timestamptz not null,
      reference text not null,
      recorded_by text not null,
      created_at timestamptz not null
    )`,
    'create index backups_of_tenant on backups (tenant_id, namespace, taken_at desc)',
  ],
  down: [
    'alter table operations drop column execution_id',
    ...['backups', 'rehearsals', 'gates', 'instances', 'executions'].map((table) => `drop table ${table}`),
    'alter table releases drop column claim',
  ],
}
