import type { Kysely, Selectable } from 'kysely'
import type { Instant } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import { contains, onPage, type Page } from '../../infra/database/ordered.ts'
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

export const grantOrders = ['createdAt', '-createdAt'] as const

/** What a list of grants is narrowed by. `q` is a part of the object or of the reason. */
export type GrantFilter = { readonly chartDigest?: string | undefined; readonly q?: string | undefined }

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

    /** Those of a filter, in an order. */
    async list(filter: GrantFilter, page: Page<(typeof grantOrders)[number]>): Promise<readonly Grant[]> {
      const rows = await filtered(db, filter).selectAll().$call(onPage('created_at', page)).execute()
      return rows.map(read)
    },

    /** How many a filter has in all. */
    async count(filter: GrantFilter): Promise<number> {
      const counted = filtered(db, filter).select((eb) => eb.fn.countAll<number>().as('n'))
      return (await counted.executeTakeFirstOrThrow()).n
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

function filtered(db: Db, { chartDigest, q }: GrantFilter) {
  let query = tables(db).selectFrom('grants')
  if (chartDigest !== undefined) query = query.where('chart_digest', '=', chartDigest)
  return q === undefined ? query : query.where(contains(['kind', 'api_group', 'namespace', 'name', 'reason'], q))
}

function read(row: Selectable<Row>): Grant {
  const { chart_digest: chartDigest, api_group: apiGroup, created_by: createdBy, created_at, ...same } = row
  return { ...same, chartDigest, apiGroup, createdBy, createdAt: toInstant(created_at) }
}
