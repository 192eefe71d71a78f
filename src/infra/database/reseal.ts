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

export type Renewal = {
  /** How all begins that the present key has sealed. */
  readonly header: Buffer
  /**
   * Seals anew: null for what the present key has sealed. `inner` gives what the value becomes, null where it stays. Throws
   * when no key opens it.
   */
  readonly renew: Renew
}
type Renew = (sealed: Buffer, context: string, inner?: (value: Json) => Json) => Buffer | null

export type Resealed = { readonly renewed: number; readonly unreadable: number }

/** So many keys are looked at in a statement, which the limit of a statement leaves time for on a slow disk too (docs/adr/0032). */
const rowsAtOnce = 200

/**
 * Seals anew what a column holds, in the order of its key. The database tells by its first bytes what another key has
 * sealed, and only that is brought, one row at a time: a manifest may have megabytes. A row that changes meanwhile stays as
 * its writer left it, and counts as renewed: the next pass looks at it again.
 */
export async function reseal(db: Db, column: SealedColumn, renewal: Renewal, signal: AbortSignal): Promise<Resealed> {
  let total: Resealed = { renewed: 0, unreadable: 0 }
  let last: Key | null = null
  while (!signal.aborted) {
    const keys: readonly Key[] = await page(db, column, renewal.header, last)
    for (const key of keys.filter(({ isDue }) => isDue)) {
      if (signal.aborted) return total
      total = plus(total, await resealRow(db, column, key, renewal.renew))
    }
    last = keys.at(-1) ?? null
    if (keys.length < rowsAtOnce) return total
  }
  return total
}

/** The key of a row, and whether there is something in it to be sealed anew. */
type Key = Readonly<Record<string, unknown>> & { readonly isDue: boolean }
type Row = Readonly<Record<string, unknown>> & { readonly content: Buffer | Json }

const plus = (a: Resealed, b: Resealed): Resealed => ({
  renewed: a.renewed + b.renewed,
  unreadable: a.unreadable + b.unreadable,
})

/**
 * The next keys, whatever their rows hold: a condition on that would go through the whole table where few rows fulfil it.
 * What they hold is looked at only once they are found.
 */
async function page(db: Db, column: SealedColumn, header: Buffer, after: Key | null): Promise<readonly Key[]> {
  const place = placeOf(column)
  const behind = after === null ? sql`true` : sql`(${place}) > (${valuesOf(column, after)})`
  const { rows } = await sql<Key>`select ${place}, ${due(column, header)} as "isDue" from (
    select ${place}, ${sql.ref(column.column)} from ${sql.table(column.table)}
    where ${behind} order by ${place} limit ${rowsAtOnce}) as page order by ${place}`.execute(db)
  return rows
}

/** Whether another key has sealed something of a row. What is nested may have been, whatever is around it. */
function due({ column, form, nested }: SealedColumn, header: Buffer): RawBuilder<boolean> {
  const content = sql.ref(column)
  if (nested === true) return sql`${content} is not null`
  if (form === 'bytes') return sql`coalesce(substring(${content} for ${header.length}) <> ${header}, false)`
  const path = `strict $.**.${JSON.stringify(form.json)} ? (@.type() == "string")`
  const own = beginnings(header)
  return sql`exists (select from jsonb_path_query(${content}, ${path}::jsonpath) as found (text)
    where left(text #>> '{}', ${own[0]?.length ?? 0}) <> all (${own}::text[]))`
}

/** How bytes that begin with these begin as base64: where its last character holds bits of the next byte too, each it may be. */
function beginnings(bytes: Buffer): readonly string[] {
  const length = Math.ceil((bytes.length * 8) / 6)
  const texts = Array.from({ length: 256 }, (_, next) => Buffer.concat([bytes, Buffer.of(next)]).toString('base64'))
  return [...new Set(texts.map((text) => text.slice(0, length)))]
}

const placeOf = ({ key }: SealedColumn) => sql.join(key.map((name) => sql.ref(name)))
const valuesOf = ({ key }: SealedColumn, row: Readonly<Record<string, unknown>>) =>
  sql.join(key.map((name) => row[name]))

async function resealRow(db: Db, column: SealedColumn, key: Key, renew: Renew): Promise<Resealed> {
  const row = await read(db, column, key)
  try {
    const next = row === null ? null : renewed(column, row, renew)
    if (row === null || next === null) return { renewed: 0, unreadable: 0 }
    await write(db, column, row, next)
    return { renewed: 1, unreadable: 0 }
  } catch (error) {
    // The vault says no more than this, and so does the log: it was sealed with a third key, or altered.
    if (error instanceof Error && error.name === 'CannotOpen') return { renewed: 0, unreadable: 1 }
    throw error
  }
}

/** A row that is due; null when it went meanwhile, or what was in it. */
async function read(db: Db, column: SealedColumn, key: Key): Promise<Row | null> {
  const place = placeOf(column)
  const content = sql.ref(column.column)
  const more = Object.entries(column.more ?? {}).map(([name, text]) => sql`, ${sql.raw(text)} as ${sql.ref(name)}`)
  const { rows } = await sql<Row>`select ${place}, ${content} as content ${concat(more)} from ${sql.table(column.table)}
    where (${place}) = (${valuesOf(column, key)}) and ${content} is not null`.execute(db)
  return rows[0] ?? null
}

const concat = (parts: readonly RawBuilder<unknown>[]) => (parts.length === 0 ? sql`` : sql.join(parts, sql``))

const renewed = (column: SealedColumn, row: Row, renew: Renew): Buffer | string | null =>
  Buffer.isBuffer(row.content) ? ofBytes(column, row.content, column.context(row), renew) : ofJson(column, row, renew)

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
async function write(db: Db, column: SealedColumn, row: Row, next: Buffer | string): Promise<void> {
  const here = sql`(${placeOf(column)}) = (${valuesOf(column, row)})`
  const content = sql.ref(column.column)
  const [value, before] = Buffer.isBuffer(next)
    ? [sql`${next}`, sql`${row.content}`]
    : [sql`${next}::jsonb`, sql`${JSON.stringify(row.content)}::jsonb`]
  await sql`update ${sql.table(column.table)} set ${content} = ${value}
    where ${here} and ${content} = ${before}`.execute(db)
}
