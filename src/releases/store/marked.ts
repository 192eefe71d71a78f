import { CompiledQuery, type Selectable, sql } from 'kysely'
import type { Uuid } from '../../core/subject.ts'
import type { Db } from '../../infra/database/types.ts'
import { watchedUntil } from './sightings.ts'
import { type ReleaseRow, tables } from './tables.ts'

/**
 * A release with its values as they are stored, the charts of its revisions, and the mark of this version of its row:
 * the transaction that wrote it. `version` is no such mark, a sighting of its health leaves it as it is. Revisions are
 * written together with their release.
 */
export type MarkedRelease = Selectable<ReleaseRow> & {
  readonly mark: string
  readonly watched_until: Date | null
  readonly chart_digests: readonly string[]
}

/** Compiled once: this one runs for every batch of reads. */
const marksOf = 'select id, xmin::text as mark, claimed_by_execution from releases where id = any($1::uuid[])'

/** What tells the version of a release's row; what its execution waits for is none of the row. */
export type ReleaseMark = Pick<MarkedRelease, 'id' | 'mark' | 'claimed_by_execution'>

/** The marks of releases with these ids, in no order, each with its id; unknown ids are left out. */
export async function releaseMarks(db: Db, ids: readonly Uuid[]): Promise<readonly ReleaseMark[]> {
  const { rows } = await db.executeQuery<ReleaseMark>(CompiledQuery.raw(marksOf, [ids]))
  return rows
}

/** Releases by their ids; unknown ones are left out. */
export async function releaseRows(db: Db, ids: readonly Uuid[]): Promise<readonly MarkedRelease[]> {
  return tables(db)
    .selectFrom('releases')
    .selectAll()
    .select([sql<string>`xmin::text`.as('mark'), watchedUntil.as('watched_until')])
    .select(
      sql<readonly string[]>`array(
        select distinct chart_digest from revisions where release_id = releases.id and chart_digest is not null)`.as(
        'chart_digests',
      ),
    )
    .where('id', '=', sql<string>`any(${[...ids]}::uuid[])`)
    .execute()
}
