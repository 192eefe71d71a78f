import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { Json } from '../../core/json.ts'
import { contextOf } from './context.ts'
import { readCursor, writeCursor } from './cursor.ts'
import type { Call } from './route.ts'

/** A list in a fixed order, readable from any position on (keyset, never offset). */
export type ListSource<Row, Position extends Json> = {
  /** At most `limit` rows after a position, or from the beginning. Reads only what the caller may see. */
  rows(after: Position | null, limit: number): Promise<readonly Row[]>
  /** Where a row stands: enough to go on behind it. */
  position(row: Row): Position
  /** The row as the answer shows it. */
  present(row: Row): unknown
  /** How many rows there are in all, for `X-Total-Count`; left out where nobody can know it cheaply. */
  total?(): Promise<number>
}

/** How many rows a whole list reads at a time. */
const chunk = 500

/** What a list needs of a call. */
export type ListCall = Pick<Call, 'request' | 'reply'> & {
  readonly query: { readonly limit?: number | undefined; readonly cursor?: string | undefined }
}

/**
 * Answers with a list (SPEC section 1): whole and streamed without `limit`, else one page and the Link to the next.
 * A stream reads on only as fast as the client takes it.
 */
export async function sendList<Row, Position extends Json>(
  call: ListCall,
  source: ListSource<Row, Position>,
): Promise<FastifyReply> {
  const { limit, cursor } = call.query
  if (source.total) call.reply.header('x-total-count', String(await source.total()))
  const after = cursor === undefined ? null : (readCursor(signingKey(call), listOf(call), cursor) as Position)
  return limit === undefined ? sendWhole(call.reply, source, after) : sendPage(call, source, after, limit)
}

async function sendPage<Row, Position extends Json>(
  call: ListCall,
  source: ListSource<Row, Position>,
  after: Position | null,
  limit: number,
): Promise<FastifyReply> {
  const found = await source.rows(after, limit + 1)
  const rows = found.slice(0, limit)
  const last = rows.at(-1)
  if (found.length > limit && last !== undefined)
    call.reply.header('link', `<${nextUrl(call, source.position(last))}>; rel="next"`)
  return call.reply.send(rows.map(source.present))
}

async function sendWhole<Row, Position extends Json>(
  reply: FastifyReply,
  source: ListSource<Row, Position>,
  after: Position | null,
): Promise<FastifyReply> {
  const first = await source.rows(after, chunk)
  if (first.length < chunk) return reply.send(first.map(source.present))
  return reply.type('application/json').send(Readable.from(jsonArray(source, first)))
}

/** The text of a JSON array, chunk by chunk; `first` has been read before the status line went out. */
async function* jsonArray<Row, Position extends Json>(
  source: ListSource<Row, Position>,
  first: readonly Row[],
): AsyncGenerator<string> {
  let rows = first
  let before = '['
  while (rows.length > 0) {
    yield before + rows.map((row) => JSON.stringify(source.present(row))).join(',')
    before = ','
    const last = rows.at(-1)
    rows = last === undefined || rows.length < chunk ? [] : await source.rows(source.position(last), chunk)
  }
  yield ']'
}

function nextUrl(call: ListCall, position: Json): string {
  const { path, query } = split(call)
  query.set('cursor', writeCursor(signingKey(call), listOf(call), position))
  return `${path}?${query}`
}

/** Grows when a position has another form than before: a cursor of that time is refused, and its list begun anew. */
const form = 2

/** What a cursor belongs to: the path and every filter, in one order. */
function listOf(call: ListCall): string {
  const { path, query } = split(call)
  query.delete('cursor')
  query.delete('limit')
  query.sort()
  return `${form} ${path}?${query}`
}

function split({ request }: ListCall): { readonly path: string; readonly query: URLSearchParams } {
  const [path = '/', query = ''] = request.url.split('?', 2)
  return { path, query: new URLSearchParams(query) }
}

const signingKey = ({ request }: ListCall): Uint8Array => contextOf(request).signingKey
