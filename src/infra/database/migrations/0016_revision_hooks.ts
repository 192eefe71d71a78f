import type { Migration } from '../migration.ts'

/** What hooks of a revision may have left, once Helm has no record of it any more; null where it has none. */
export const revisionHooks: Migration = {
  name: '0016_revision_hooks',
  up: ['alter table revisions add column hooks_enc bytea'],
  down: ['alter table revisions drop column hooks_enc'],
}
