import { type Kysely, sql } from 'kysely'
import type { Instant } from '../../core/instant.ts'
import type { Json } from '../../core/json.ts'
import { fromInstant } from './pool.ts'
import type { Db } from './types.ts'

type Tables = { installation: { name: string; value: unknown; at: Date } }
const tables = (db: Db) => (db as Kysely<unknown>).withTables<Tables>()

/** What an installation remembers of itself under a name; null where it remembers nothing. */
export async function remembered(db: Db, name: string): Promise<Json> {
  const row = await tables(db).selectFrom('installation').select('value').where('name', '=', name).executeTakeFirst()
  return row === undefined ? null : (row.value as Json)
}

/** Remembers something, in place of what was there under the name. */
export async function remember(db: Db, name: string, value: Json, now: Instant): Promise<void> {
  const row = { name, value: JSON.stringify(value), at: fromInstant(now) }
  await tables(db)
    .insertInto('installation')
    .values(row)
    .onConflict((on) => on.column('name').doUpdateSet({ value: row.value, at: row.at }))
    .execute()
}

/** Remembers something unless there is something already. Answers what is then there: of two at once, the first one's. */
export async function rememberOnce(db: Db, name: string, value: Json, now: Instant): Promise<Json> {
  const row = { name, value: JSON.stringify(value), at: fromInstant(now) }
  await tables(db)
    .insertInto('installation')
    .values(row)
    .onConflict((on) => on.column('name').doNothing())
    .execute()
  return remembered(db, name)
}

/** Whether anything is stored sealed, and whether anything of it begins with the header of a key. */
export async function sealedWith(db: Db, header: Buffer): Promise<{ readonly any: boolean; readonly own: boolean }> {
  // Each release has values, so what else of it is sealed need not be looked at.
  const sealed = sql`(
    select values_enc as bytes from releases
    union all select credentials_enc from chart_sources where credentials_enc is not null
    union all select secret_enc from webhooks)`
  const found = await sql<{ any: boolean; own: boolean }>`select
    exists (select from ${sealed} as sealed) as any,
    exists (select from ${sealed} as sealed where substring(bytes for ${header.length}) = ${header}) as own`.execute(db)
  return found.rows[0] ?? { any: false, own: false }
}
