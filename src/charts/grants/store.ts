import type { Kysely, Selectable } from 'kysely'
import type { Instant } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import { behind, type Newest } from '../../infra/database/newest.ts'
import { fromInstant, toInstant } from '../../infra/database/pool.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import type { GrantedKind } from '../core/grants.ts'

/** What a platform admin has granted a chart. */
export type Grant = GrantedKind & {
  readonly id: Uuid
  readonly chartDigest: string
  readonly reason: string | null
  readonly createdBy: string
  readonly createdAt: Instant
}

type Row = {
  id: Uuid
  chart_digest: string
  api_group: string
  kind: string
  name: string
  namespace: string | null
  reason: string | null
  created_by: string
  created_at: Date
}
const tables = (db: Db | Tx) => (db as Kysely<unknown>).withTables<{ grants: Row }>()

/** What charts may reach outside of their namespace. */
export type GrantStore = ReturnType<typeof grantStore>

export function grantStore(db: Db) {
  return {
    /** Those of these charts. */
    async of(digests: readonly string[]): Promise<readonly Grant[]> {
      if (digests.length === 0) return []
      const rows = await tables(db).selectFrom('grants').selectAll().where('chart_digest', 'in', digests).execute()
      return rows.map(read)
    },

    /** All of them or those of one chart, newest first. */
    async list(digest: string | undefined, after: Newest | null, limit: number): Promise<readonly Grant[]> {
      let query = tables(db).selectFrom('grants').selectAll().where(behind('created_at', after))
      if (digest !== undefined) query = query.where('chart_digest', '=', digest)
      const rows = await query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
      return rows.map(read)
    },

    async find(id: Uuid): Promise<Grant | null> {
      const row = await tables(db).selectFrom('grants').selectAll().where('id', '=', id).executeTakeFirst()
      return row === undefined ? null : read(row)
    },

    /** False when the chart has that grant already. */
    async add(tx: Tx, grant: Grant): Promise<boolean> {
      const { chartDigest: chart_digest, apiGroup: api_group, createdBy: created_by, createdAt, ...same } = grant
      const added = await tables(tx)
        .insertInto('grants')
        .values({ ...same, chart_digest, api_group, created_by, created_at: fromInstant(createdAt) })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst()
      return added.numInsertedOrUpdatedRows === 1n
    },

    /** What was removed; null when there is none. */
    async remove(tx: Tx, id: Uuid): Promise<Grant | null> {
      const row = await tables(tx).deleteFrom('grants').where('id', '=', id).returningAll().executeTakeFirst()
      return row === undefined ? null : read(row)
    },
  }
}

function read(row: Selectable<Row>): Grant {
  const { chart_digest: chartDigest, api_group: apiGroup, created_by: createdBy, created_at, ...same } = row
  return { ...same, chartDigest, apiGroup, createdBy, createdAt: toInstant(created_at) }
}
