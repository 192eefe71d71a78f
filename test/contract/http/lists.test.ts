import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { sendMemoryList } from '../../../src/infra/http/memory-list.ts'
import { sendList } from '../../../src/infra/http/page.ts'
import { pageQuery, querySort, queryText } from '../../../src/infra/http/query.ts'
import { route } from '../../../src/infra/http/route.ts'
import { appOf, as } from '../../support/http-app.ts'

let app: FastifyInstance | undefined
afterEach(() => app?.close())

/** A list of the numbers below `size`, largest first; counts how often it was read. */
function numbers(size: number) {
  const reads: number[] = []
  const list = route({
    method: 'GET',
    url: '/api/v1/numbers',
    operationId: 'listNumbers',
    tags: ['test'],
    summary: 'Numbers',
    permission: { scope: 'platform', action: 'release.read' },
    schema: {
      query: z.strictObject({ ...pageQuery, q: queryText().optional() }),
      responses: { 200: { description: 'Numbers', schema: z.array(z.strictObject({ n: z.int() })) } },
    },
    handler: (call) =>
      sendList(call, {
        rows: async (after: number | null, limit) => {
          reads.push(limit)
          const from = after === null ? size : after
          return Array.from({ length: Math.min(limit, from) }, (_, i) => from - 1 - i)
        },
        position: (n) => n,
        present: (n) => ({ n }),
        total: async () => size,
      }),
  })
  app = appOf({ routes: [[list]] })
  return { app, reads }
}

const get = (url: string) => (app as FastifyInstance).inject({ url, headers: as('admin') })
const next = (link: unknown) => /^<([^>]+)>; rel="next"$/.exec(String(link))?.[1]

test.each([0, 1, 499, 500, 501, 1700])('a whole list of %i is one JSON array', async (size) => {
  numbers(size)
  const answer = await get('/api/v1/numbers')
  expect(answer.headers['content-type']).toContain('application/json')
  expect(answer.headers['x-total-count']).toBe(String(size))
  expect(answer.json()).toEqual(Array.from({ length: size }, (_, i) => ({ n: size - 1 - i })))
})

test('pages follow each other through the Link header, without gap or repetition', async () => {
  numbers(7)
  const seen: number[] = []
  let url: string | undefined = '/api/v1/numbers?limit=3&q=x'
  const sizes: number[] = []
  while (url) {
    const answer = await get(url)
    const page = answer.json() as { n: number }[]
    sizes.push(page.length)
    seen.push(...page.map(({ n }) => n))
    url = next(answer.headers.link)
  }
  expect([sizes, seen]).toEqual([
    [3, 3, 1],
    [6, 5, 4, 3, 2, 1, 0],
  ])
})

test('a full last page has no next', async () => {
  numbers(3)
  expect((await get('/api/v1/numbers?limit=3')).headers.link).toBeUndefined()
})

test.each([
  ['limit=0', 'malformed'],
  ['limit=1001', 'malformed'],
  ['limit=ten', 'malformed'],
  ['cursor=abc', 'invalid_cursor'],
  ['limit=1&cursor=', 'malformed'],
])('%s is refused', async (query, code) => {
  numbers(3)
  expect((await get(`/api/v1/numbers?${query}`)).json()).toMatchObject({ status: 400, code })
})

test('a cursor of another filter is refused', async () => {
  numbers(9)
  const url = next((await get('/api/v1/numbers?limit=3&q=x')).headers.link) ?? ''
  expect((await get(url.replace('q=x', 'q=y'))).json()).toMatchObject({ code: 'invalid_cursor' })
  expect((await get(url.replace('limit=3', 'limit=2'))).json()).toHaveLength(2)
})

type Row = { readonly id: string; readonly n: number }
const byNumber = ({ n }: Row) => n
const byId = ({ id }: Row) => id

/** A list in memory. */
function rowsOf(rows: readonly Row[]) {
  const list = route({
    method: 'GET',
    url: '/api/v1/rows',
    operationId: 'listRows',
    tags: ['test'],
    summary: 'Rows',
    permission: { scope: 'platform', action: 'release.read' },
    schema: {
      query: z.strictObject({ ...pageQuery, q: queryText().optional(), sort: querySort(['n', '-n', 'id'], 'by n') }),
      responses: { 200: { description: 'Rows', schema: z.array(z.strictObject({ id: z.string(), n: z.int() })) } },
    },
    handler: async (call) =>
      sendMemoryList(call, {
        rows,
        id: byId,
        orders: { n: byNumber, '-n': byNumber, id: byId },
        order: call.query.sort ?? 'n',
        words: ({ id }) => [id, null],
        present: (row) => row,
      }),
  })
  app = appOf({ routes: [[list]] })
}

async function pagesOf(first: string): Promise<{ rows: Row[]; totals: Set<unknown> }> {
  const rows: Row[] = []
  const totals = new Set<unknown>()
  for (let url: string | undefined = first; url !== undefined; ) {
    const answer: Awaited<ReturnType<typeof get>> = await get(url)
    rows.push(...(answer.json() as Row[]))
    totals.add(answer.headers['x-total-count'])
    url = next(answer.headers.link)
  }
  return { rows, totals }
}

test('a list in memory is the same by the page as it is whole, in every order, also where rows are equal', async () => {
  const row = fc.record({ id: fc.uuid(), n: fc.integer({ min: -1, max: 2 }) })
  const rows = fc.uniqueArray(row, { selector: byId, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(rows, fc.integer({ min: 1, max: 5 }), async (given, limit) => {
      rowsOf(given)
      const whole = new Map<string, Row[]>()
      for (const sort of ['n', '-n', 'id']) {
        const { rows: paged, totals } = await pagesOf(`/api/v1/rows?limit=${limit}&sort=${sort}`)
        expect((await get(`/api/v1/rows?sort=${sort}`)).json()).toEqual(paged)
        expect([...totals]).toEqual([String(given.length)])
        whole.set(sort, paged)
      }
      expect(whole.get('-n')).toEqual(whole.get('n')?.toReversed())
      expect(whole.get('id')?.map(byId)).toEqual(given.map(byId).sort())
      await app?.close()
    }),
    { numRuns: 25 },
  )
})

test('a list in memory is searched whatever the case', async () => {
  rowsOf([
    { id: 'Blue', n: 1 },
    { id: 'red', n: 2 },
  ])
  const answer = await get('/api/v1/rows?q=bLU')
  expect([answer.json(), answer.headers['x-total-count']]).toEqual([[{ id: 'Blue', n: 1 }], '1'])
})

test('an answer that the client has is 304 without a body, until it is another', async () => {
  numbers(3)
  const first = await get('/api/v1/numbers')
  const tag = String(first.headers.etag)
  const again = (value: string, url = '/api/v1/numbers') =>
    (app as FastifyInstance).inject({ url, headers: { ...as('admin'), 'if-none-match': value } })
  for (const value of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
    const same = await again(value)
    expect([same.statusCode, same.body, same.headers.etag]).toEqual([304, '', tag])
    expect(same.headers['x-total-count']).toBe('3')
  }
  expect((await again('"other"')).statusCode).toBe(200)
  expect((await again(tag, '/api/v1/numbers?limit=2')).statusCode).toBe(200)
  expect((await again(tag, '/api/v1/numbers?limit=0')).statusCode).toBe(400)
})
