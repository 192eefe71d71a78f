import { type RawBuilder, sql } from 'kysely'
import { isJsonObject, type Json } from '../../core/json.ts'
import type { Db } from './types.ts'

/** A column that holds what is sealed, and of what its contexts are made. */
export type SealedColumn = {
  readonly table: string
  /** The primary key, in its order. */
  readonly key: readonly string[]
  readonly column: string
  /** `bytes`: sealed as a whole. `json`: a document in which texts under this name are sealed, as base64. */
  readonly form: 'bytes' | { readonly json: string }
  /** What else the context is made of: expressions by their name in the row. */
  readonly more?: Readonly<Record<string, string>>
  readonly context: (row: Readonly<Record<string, unknown>>) => string
  /** Whether what is sealed as bytes may hold JSON that is sealed once more under `sealed`, with the same context. */
  readonly nested?: boolean
}

/**
 * Seals anew: null for what the present key has sealed. `inner` gives what the value becomes, null where it stays. Throws
 * when no key opens it.
 */
export type Renew = (sealed: Buffer, context: string, inner?: (value: Json) => Json) => Buffer | null

export type Resealed = { readonly renewed: number; readonly unreadable: number }

const rowsAtOnce = 200

/**
 * Seals anew what a column holds, some rows at a time, in the order of its key. A row that changes meanwhile stays as its
 * writer left it, and counts as renewed: the next pass looks at it again.
 */
export async function reseal(db: Db, column: SealedColumn, renew: Renew, signal: AbortSignal): Promise<Resealed> {
  let total: Resealed = { renewed: 0, unreadable: 0 }
  let last: Row | null = null
  while (!signal.aborted) {
    const rows: readonly Row[] = await page(db, column, last)
    for (const row of rows) total = plus(total, await resealRow(db, column, row, renew))
    last = rows.at(-1) ?? null
    if (rows.length < rowsAtOnce) return total
  }
  return total
}

type Row = Readonly<Record<string, unknown>> & { readonly content: Buffer | Json }

const plus = (a: Resealed, b: Resealed): Resealed => ({
  renewed: a.renewed + b.renewed,
  unreadable: a.unreadable + b.unreadable,
})

async function page(db: Db, { table, key, column, form, more = {} }: SealedColumn, after: Row | null) {
  const place = sql.join(key.map((name) => sql.ref(name)))
  const extra = Object.entries(more).map(([name, text]) => sql`, ${sql.raw(text)} as ${sql.ref(name)}`)
  const behind = after === null ? sql`true` : sql`(${place}) > (${sql.join(key.map((name) => after[name]))})`
  const holds = form === 'bytes' ? sql`true` : sql`${sql.ref(column)}::text like ${`%"${form.json}"%`}`
  const { rows } =
    await sql<Row>`select ${place}, ${sql.ref(column)} as content ${concat(extra)} from ${sql.table(table)}
    where ${sql.ref(column)} is not null and ${holds} and ${behind} order by ${place} limit ${rowsAtOnce}`.execute(db)
  return rows
}

const concat = (parts: readonly RawBuilder<unknown>[]) => (parts.length === 0 ? sql`` : sql.join(parts, sql``))

async function resealRow(db: Db, column: SealedColumn, row: Row, renew: Renew): Promise<Resealed> {
  const context = column.context(row)
  try {
    const next = Buffer.isBuffer(row.content)
      ? ofBytes(column, row.content, context, renew)
      : ofJson(column, row, renew)
    if (next === null) return { renewed: 0, unreadable: 0 }
    await write(db, column, row, next)
    return { renewed: 1, unreadable: 0 }
  } catch (error) {
    // The vault says no more than this, and so does the log: it was sealed with a third key, or altered.
    if (error instanceof Error && error.name === 'CannotOpen') return { renewed: 0, unreadable: 1 }
    throw error
  }
}

function ofBytes({ nested }: SealedColumn, content: Buffer, context: string, renew: Renew): Buffer | null {
  if (nested !== true) return renew(content, context)
  return renew(content, context, (value) => ofNested(value, context, renew))
}

/** Only what stands where it is sealed: deeper, the word is one of the value itself. */
function ofNested(value: Json, context: string, renew: Renew): Json {
  if (!isJsonObject(value) || typeof value.sealed !== 'string') return null
  const sealed = renewText(value.sealed, context, renew)
  return sealed === value.sealed ? null : { ...value, sealed }
}

/** The document as text, or null when nothing in it was sealed with another key. */
function ofJson({ form, context }: SealedColumn, row: Row, renew: Renew): string | null {
  if (form === 'bytes') return null
  let changed = false
  const next = inJson(row.content as Json, form.json, (text) => {
    const renewed = renewText(text, context(row), renew)
    changed ||= renewed !== text
    return renewed
  })
  return changed ? JSON.stringify(next) : null
}

const renewText = (text: string, context: string, renew: Renew): string =>
  renew(Buffer.from(text, 'base64'), context)?.toString('base64') ?? text

/** A value with other texts under this name, wherever they stand. */
function inJson(value: Json, name: string, change: (text: string) => string): Json {
  if (Array.isArray(value)) return value.map((each) => inJson(each, name, change))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      key === name && typeof each === 'string' ? change(each) : inJson(each ?? null, name, change),
    ]),
  )
}

/** Written only over what was read. */
async function write(db: Db, { table, key, column }: SealedColumn, row: Row, next: Buffer | string): Promise<void> {
  const place = sql.join(key.map((name) => sql.ref(name)))
  const here = sql`(${place}) = (${sql.join(key.map((name) => row[name]))})`
  const [value, before] = Buffer.isBuffer(next)
    ? [sql`${next}`, sql`${row.content}`]
    : [sql`${next}::jsonb`, sql`${JSON.stringify(row.content)}::jsonb`]
  await sql`update ${sql.table(table)} set ${sql.ref(column)} = ${value}
    where ${here} and ${sql.ref(column)} = ${before}`.execute(db)
}
