import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpenApiDocument } from '../../../src/infra/http/openapi.ts'
import { type Answer, expectStatus, type Problem } from '../fleet/api.ts'
import { tenants } from '../fleet/world.ts'
import { type Given, openGiven } from './given.ts'
import { type ApiOperation, operationsOf, urlOf as urlIn } from './operations-of-api.ts'

const committed = await readFile(new URL('../../../openapi.json', import.meta.url), 'utf8')
const document = JSON.parse(committed) as OpenApiDocument

/** The best routes of a search, not a list of things: it has a limit and a count, and its own order only. */
const searches = ['findUpgradeRoutes']
const isList = ({ operation }: ApiOperation) =>
  operation.responses[200]?.content?.['application/json']?.schema.type === 'array'
const lists = operationsOf(document)
  .filter((of) => of.method === 'GET' && isList(of) && !searches.includes(of.id))
  .map((of) => [of.id, of] as const)
const reads = operationsOf(document)
  .filter((of) => of.method === 'GET' && of.operation.responses[200]?.content?.['application/json'] !== undefined)
  .map((of) => [of.id, of] as const)

let given: Given
beforeAll(async () => {
  given = await openGiven()
  const { admin } = given.world
  for (const reference of ['one', 'two']) {
    const backup = { namespace: 'tenant-a', takenAt: '2026-01-02T03:04:05Z', reference }
    expectStatus(await admin.post(`/tenants/${tenants.a}/backups`, backup), 201)
    expectStatus(
      await admin.post('/grants', { chartDigest: 'a'.repeat(64), kind: 'ClusterRole', name: reference }),
      201,
    )
    expectStatus(
      await admin.post('/chart-sources', { name: reference, type: 'folder', url: `${given.world.home}/charts` }),
      201,
    )
  }
})
afterAll(() => given?.world.stop())

type Query = Readonly<Record<string, string>>

const urlOf = (of: ApiOperation, query: Query = {}): string => urlIn(given, of, query)

const get = (of: ApiOperation, query: Query = {}, headers = {}) =>
  given.world.admin.get<unknown[]>(urlOf(of, query), headers)
const parameter = (of: ApiOperation, name: string) => of.operation.parameters.find((each) => each.name === name)

/** All rows, page by page, and the count that each page told. */
async function pagesOf(of: ApiOperation, query: Query): Promise<{ rows: unknown[]; totals: Set<string | null> }> {
  const rows: unknown[] = []
  const totals = new Set<string | null>()
  for (let url: string | undefined = urlOf(of, { ...query, limit: '1' }); url !== undefined; ) {
    const answer: Answer<unknown[]> = await given.world.admin.get(url)
    rows.push(...expectStatus(answer, 200))
    totals.add(answer.headers.get('x-total-count'))
    url = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1]
  }
  return { rows, totals }
}

/** What changes by itself between two reads: health, use, and the tries of a webhook that nobody answers. */
const moving = new Set([
  ...['health', 'updatedAt', 'lastUsedAt', 'failingSince'],
  ...['status', 'attempts', 'waitingFor', 'lastStatus', 'lastError', 'endedAt'],
])

/** Rows without that. */
const still = (rows: readonly unknown[]) =>
  rows.map((row) => {
    const entries = Object.entries(row as Record<string, unknown>).filter(([name]) => !moving.has(name))
    return Object.fromEntries(entries)
  })

test('there are lists, and every array is one of them', () => {
  expect(lists.length).toBeGreaterThan(15)
})

describe.each(lists)('%s', (_, of) => {
  test('says in the document that it is a list', () => {
    for (const name of ['limit', 'cursor', 'q', 'sort', 'If-None-Match'])
      expect(parameter(of, name), name).toBeDefined()
    const headers = Object.keys(of.operation.responses[200]?.headers ?? {})
    expect(headers).toEqual(expect.arrayContaining(['Link', 'X-Total-Count', 'ETag']))
    expect(of.operation.responses[304]).toBeDefined()
  })

  test('is the same by the page as it is whole, in every order, and tells the whole count', async () => {
    const orders = (parameter(of, 'sort')?.schema.enum ?? []) as readonly string[]
    expect(orders.length).toBeGreaterThan(1)
    for (const sort of orders) {
      const answer = await get(of, { sort })
      const whole = expectStatus(answer, 200)
      expect(answer.headers.get('x-total-count')).toBe(String(whole.length))
      const { rows, totals } = await pagesOf(of, { sort })
      expect(still(rows)).toEqual(still(whole))
      if (whole.length > 0) expect([...totals]).toEqual([String(whole.length)])
      const back = orders.find((other) => other === `-${sort}`)
      if (back !== undefined)
        expect(still(expectStatus(await get(of, { sort: back }), 200))).toEqual(still(whole).reverse())
    }
  })

  test('is searched', async () => {
    const answer = await get(of, { q: 'no-such-thing-anywhere' })
    expect([expectStatus(answer, 200), answer.headers.get('x-total-count')]).toEqual([[], '0'])
  })

  test('refuses a limit, an order and a cursor that are none of it', async () => {
    for (const wrong of [
      { limit: '0' },
      { limit: '1001' },
      { sort: 'nothing' },
      { cursor: 'AAAA' },
      { cursor: 'x'.repeat(3000) },
    ]) {
      const { status, body } = (await get(of, { ...wrong })) as unknown as Answer<Problem>
      expect([status, ['malformed', 'invalid_cursor'].includes(body.code)]).toEqual([400, true])
    }
    const link = (await get(of, { limit: '1' })).headers.get('link')
    const cursor = new URLSearchParams(/<[^?]+\?([^>]+)>/.exec(link ?? '')?.[1] ?? '').get('cursor')
    if (cursor === null) return
    const flipped = `${cursor.startsWith('A') ? 'B' : 'A'}${cursor.slice(1)}`
    for (const query of [{ cursor: flipped }, { cursor, q: 'another' }, { cursor: cursor.slice(0, -2) }]) {
      expect((await get(of, query)).status).toBe(400)
    }
  })
})

test.each(reads)('%s is not sent again to whom has it already', async (_, of) => {
  // Counts and times of use move by themselves: what is asked twice in a row is mostly the same.
  for (let tries = 0; tries < 5; tries += 1) {
    const first = await get(of)
    if (first.status === 404) return
    const etag = first.headers.get('etag') ?? ''
    expect([first.status, etag]).toEqual([200, expect.stringMatching(/^"[\w-]+"$/)])
    const again = await get(of, {}, { 'if-none-match': etag })
    if (again.status === 200 && again.text !== first.text) continue
    expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag])
    return
  }
})
