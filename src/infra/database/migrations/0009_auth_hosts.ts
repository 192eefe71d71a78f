import type { Migration } from '../migration.ts'

/** The hosts beside its own at which a chart source may have us ask for a token. */
export const authHosts: Migration = {
  name: '0009_auth_hosts',
  up: [`alter table chart_sources add column auth_hosts text[] not null default '{}'`],
  down: ['alter table chart_sources drop column auth_hosts'],
}
