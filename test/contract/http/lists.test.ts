import type { FastifyInstance } from 'fastify'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { sendList } from '../../../src/infra/http/page.ts'
import { pageQuery, queryText } from '../../../src/infra/http/query.ts'
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
