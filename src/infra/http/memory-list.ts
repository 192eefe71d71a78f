import type { FastifyReply } from 'fastify'
import { isPartOf } from '../../core/text.ts'
import { type ListCall, sendList } from './page.ts'

/** A list that is in memory anyway: as short as the number of clusters, or computed as a whole. */
export type MemoryList<Row, Order extends string> = {
  readonly rows: readonly Row[]
  /** Tells rows apart, and orders those that are otherwise equal. */
  readonly id: (row: Row) => string
  /** What each order goes by; one with a `-` is descending. */
  readonly orders: Readonly<Record<Order, (row: Row) => Key>>
  readonly order: Order
  /** What `q` looks in. */
  readonly words: (row: Row) => readonly (string | null)[]
  readonly present: (row: Row) => unknown
}

type Key = string | number
type Position = readonly [key: Key, id: string]

/** Answers with a list in memory as `sendList` does; a page goes on behind the last key, wherever that is by then. */
export function sendMemoryList<Row, Order extends string>(
  call: ListCall & { readonly query: { readonly q?: string | undefined } },
  list: MemoryList<Row, Order>,
): Promise<FastifyReply> {
  const { id, order, orders, present } = list
  const sign = order.startsWith('-') ? -1 : 1
  const position = (row: Row): Position => [orders[order](row), id(row)]
  const found = list.rows.filter((row) => holds(list.words(row), call.query.q))
  const sorted = found.map((row) => ({ row, at: position(row) })).sort((a, b) => sign * compare(a.at, b.at))
  return sendList(call, {
    total: async () => found.length,
    rows: async (after: Position | null, limit) =>
      sorted
        .filter(({ at }) => after === null || sign * compare(at, after) > 0)
        .slice(0, limit)
        .map(({ row }) => row),
    position,
    present,
  })
}

function holds(words: readonly (string | null)[], q: string | undefined): boolean {
  return q === undefined || words.some((word) => word !== null && isPartOf(q, word))
}

function compare([a, id]: Position, [b, otherId]: Position): number {
  return comparing(a, b) || comparing(id, otherId)
}

const comparing = (a: Key, b: Key): number => (a < b ? -1 : Number(a > b))
