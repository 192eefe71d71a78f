import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { JsonObject } from '../core/json.ts'
import { Problem } from '../core/problems.ts'
import type { Uuid } from '../core/subject.ts'
import { fromInstant, toInstant } from '../infra/database/pool.ts'
import type { SealedColumn } from '../infra/database/reseal.ts'
import type { Db, Tx } from '../infra/database/types.ts'
import { type Sealer, type SourceRecord, sourceTypes } from './types.ts'

type Row = {
  id: Uuid
  name: string
  type: string
  url: string
  priority: number
  credentials_enc: Buffer | null
  auth_hosts: readonly string[]
  verify: JsonObject | null
  created_at: Date
}
const tables = (db: Db): Kysely<{ chart_sources: Row }> => db.withTables<{ chart_sources: Row }>()

const type = z.enum(sourceTypes)
const verify = z.union([z.strictObject({ provenanceKeys: z.string() }), z.strictObject({ cosignKey: z.string() })])
const credentials = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('basic'), username: z.string(), password: z.string() }),
  z.strictObject({ kind: z.literal('bearer'), token: z.string() }),
])

/** Where the credentials of sources are kept sealed. */
export const sealedCredentials = (context: string): SealedColumn => ({
  table: 'chart_sources',
  key: ['id'],
  column: 'credentials_enc',
  form: 'bytes',
  context: () => context,
})

/** The configured chart sources; their credentials are sealed at rest. */
export type SourceStore = ReturnType<typeof sourceStore>

export function sourceStore(db: Db, sealer: Sealer) {
  const read = (row: Row): SourceRecord => ({
    id: row.id,
    name: row.name,
    type: type.parse(row.type),
    url: row.url,
    priority: row.priority,
    credentials: row.credentials_enc === null ? null : credentials.parse(sealer.open(row.credentials_enc)),
    authHosts: row.auth_hosts,
    verify: row.verify === null ? null : verify.parse(row.verify),
    createdAt: toInstant(row.created_at),
  })
  return {
    /** All of them, in the order in which they are asked. */
    async list(): Promise<readonly SourceRecord[]> {
      const rows = await tables(db)
        .selectFrom('chart_sources')
        .selectAll()
        .orderBy('priority')
        .orderBy('name')
        .execute()
      return rows.map(read)
    },

    /** Adds one. Throws `conflict` when its name is taken. */
    async add(tx: Tx, record: SourceRecord): Promise<void> {
      const { id, name, type, url, priority, authHosts } = record
      const added = await tables(tx)
        .insertInto('chart_sources')
        .values({
          id,
          name,
          type,
          url,
          priority,
          credentials_enc: record.credentials === null ? null : sealer.seal(record.credentials),
          auth_hosts: authHosts,
          verify: record.verify,
          created_at: fromInstant(record.createdAt),
        })
        .onConflict((conflict) => conflict.column('name').doNothing())
        .executeTakeFirst()
      if (added.numInsertedOrUpdatedRows === 1n) return
      throw new Problem('conflict', `there is a chart source named ${name} already`)
    },

    /** Removes one, and answers it. Throws `not_found`. Charts that came from it stay: releases run them. */
    async remove(tx: Tx, id: Uuid): Promise<SourceRecord> {
      const row = await tables(tx).deleteFrom('chart_sources').where('id', '=', id).returningAll().executeTakeFirst()
      if (row === undefined) throw new Problem('not_found', `there is no chart source ${id}`)
      return read(row)
    },
  }
}
