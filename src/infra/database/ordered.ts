import { type RawBuilder, type SelectQueryBuilder, type SqlBool, sql } from 'kysely'
import type { Instant } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import { fromInstant } from './pool.ts'
import { plannedEachTime } from './prepared.ts'

/** A place in a list: the value that it is ordered by, as text, and the id. */
export type Place = { readonly value: string; readonly id: Uuid }

/** A part of a list in an order; one with a `-` is descending. */
export type Page<Order extends string = string> = {
  readonly after: Place | null
  readonly limit: number
  readonly order: Order
}

/** The columns that lists are ordered by, and their types. */
const orderTypes = { created_at: 'timestamptz', at: 'timestamptz', taken_at: 'timestamptz', name: 'text' } as const
export type OrderColumn = keyof typeof orderTypes

/** Narrows a query to one page: rows behind its place, in the order of a column and then the id. For `$call`. */
export function onPage(column: OrderColumn, page: Page) {
  const direction = directionOf(page.order)
  return <DB, TB extends keyof DB, O>(query: SelectQueryBuilder<DB, TB, O>): SelectQueryBuilder<DB, TB, O> =>
    query
      .where(behind(column, page))
      .orderBy(sql.ref(column), direction)
      .orderBy(sql.ref('id'), direction)
      .limit(page.limit)
}

/** The direction of an order. */
const directionOf = (order: string): 'asc' | 'desc' => (order.startsWith('-') ? 'desc' : 'asc')

/** The order of a page and its end, for a query in text. */
export function inOrder(column: OrderColumn, { order, limit }: Page): RawBuilder<unknown> {
  const [by, towards] = [sql.ref(column), sql.raw(directionOf(order))]
  return sql`order by ${by} ${towards}, id ${towards} limit ${limit}`
}

/** What stands behind the place of a page; all rows without one. */
export function behind(column: OrderColumn, { after, order }: Page): RawBuilder<SqlBool> {
  if (after === null) return sql<SqlBool>`true`
  const comparison = sql.raw(directionOf(order) === 'desc' ? '<' : '>')
  const value = sql`${after.value}::${sql.raw(orderTypes[column])}`
  return sql<SqlBool>`(${sql.ref(column)}, id) ${comparison} (${value}, ${after.id}::uuid)`
}

/** Rows in which one of the columns, or of what is made of them, contains the text, whatever its case. */
export function contains(columns: readonly (string | RawBuilder<unknown>)[], text: string): RawBuilder<SqlBool> {
  const all = sql.join(columns.map((column) => (typeof column === 'string' ? sql.ref(column) : column)))
  return sql<SqlBool>`strpos(lower(concat_ws(' ', ${all})), lower(${text})) > 0`
}

/**
 * The same for text in lower case that has an index of trigrams, which finds what is rare. Whether it is rare only the text
 * tells, so that this is planned for each.
 */
export function containing(words: RawBuilder<unknown>, text: string): RawBuilder<SqlBool> {
  const pattern = `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`
  return sql<SqlBool>`${words} like lower(${pattern}) ${plannedEachTime}`
}

/** Where something stands in a list by time. */
export const placeAt = (at: Instant, id: Uuid): Place => ({ value: fromInstant(at).toISOString(), id })

/** A part of what is ordered by a number of its own. */
export type NumberPage<Order extends string = string> = {
  readonly after: number | null
  readonly limit: number
  readonly order: Order
}

/** Ends a query of rows in the order of a number: those behind a place. What it comes after is `where … and`. */
export function onNumberPage(column: string, { after, limit, order }: NumberPage): RawBuilder<unknown> {
  const [comparison, direction, first] =
    directionOf(order) === 'desc' ? (['<', 'desc', Number.MAX_SAFE_INTEGER] as const) : (['>', 'asc', 0] as const)
  const [by, behind, towards] = [sql.ref(column), sql.raw(comparison), sql.raw(direction)]
  return sql`${by} ${behind} ${after ?? first} order by ${by} ${towards} limit ${limit}`
}
