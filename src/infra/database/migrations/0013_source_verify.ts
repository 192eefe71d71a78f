import type { Migration } from '../migration.ts'

/** Whose signature a chart source asks of its charts. */
export const sourceVerify: Migration = {
  name: '0013_source_verify',
  up: ['alter table chart_sources add column verify jsonb'],
  down: ['alter table chart_sources drop column verify'],
}
