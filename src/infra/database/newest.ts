import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Uuid } from '../../core/subject.ts'

/** Where a row stands in a list that shows the newest first. */
export type Newest = readonly [at: number, id: Uuid]

/** Rows behind a position; all of them without one. */
export function behind(column: 'created_at' | 'at', after: Newest | null): RawBuilder<SqlBool> {
  if (after === null) return sql<SqlBool>`true`
  return sql<SqlBool>`(${sql.ref(column)}, id) < (${new Date(after[0])}, ${after[1]}::uuid)`
}
