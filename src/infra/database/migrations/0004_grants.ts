import type { Migration } from '../migration.ts'

/** What platform admins let single charts reach outside of their release's namespace. */
export const grants: Migration = {
  name: '0004_grants',
  up: [
    `create table grants (
      id uuid primary key,
      chart_digest text not null,
      api_group text not null,
      kind text not null,
      name text not null,
      namespace text,
      reason text,
      created_by text not null,
      created_at timestamptz not null
    )`,
    `create unique index grants_one on grants (chart_digest, api_group, kind, name, coalesce(namespace, ''))`,
    'create index grants_newest on grants (created_at desc, id desc)',
  ],
  down: ['drop table grants'],
}
