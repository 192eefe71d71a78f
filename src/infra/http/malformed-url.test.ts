import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { appOf, as } from '../../../test/support/http-app.ts'
import { malformedUrl } from './malformed-url.ts'
import { queryText } from './query.ts'
import { route } from './route.ts'

const readThing = route({
  method: 'GET',
  url: '/api/v1/things/:name/parts',
  operationId: 'readThing',
  tags: ['things'],
  summary: 'Reads a thing',
  permission: { scope: 'platform', action: 'self.read' },
  schema: {
    params: z.strictObject({ name: z.string() }),
    query: z.strictObject({ reason: queryText().optional(), q: queryText().optional() }),
    responses: { 200: { description: 'What was asked', schema: z.looseObject({}) } },
  },
  handler: async ({ params, query }) => ({ ...params, ...query }),
})
const app = appOf({ routes: [[readThing]] })
afterAll(() => app.close())

const ask = (url: string) => app.inject({ url, headers: as('admin') })

const percents = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')

/** What bytes say as UTF-8; null where they are none. */
function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

/** Bytes that are text about as often as they are not. NUL is refused for itself. */
const someBytes = fc
  .oneof(
    fc.uint8Array({ min: 1, minLength: 1, maxLength: 6 }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }).map((text) => new TextEncoder().encode(text)),
  )
  .filter((bytes) => !bytes.includes(0))

test('a parameter is what its bytes say, or it is refused and named', async () => {
  await fc.assert(
    fc.asyncProperty(someBytes, fc.constantFrom('query/reason', 'path/name'), async (bytes, pointer) => {
      const raw = percents(bytes)
      const url = pointer === 'path/name' ? `/api/v1/things/x${raw}/parts` : `/api/v1/things/a/parts?q=b&reason=${raw}`
      const answer = await ask(url)
      const text = textOf(bytes)
      if (text === null) expect(answer.json()).toMatchObject({ status: 400, code: 'malformed', errors: [{ pointer }] })
      else expect(answer.json()).toMatchObject(pointer === 'path/name' ? { name: `x${text}` } : { reason: text })
    }),
  )
})

test.each([
  ['/api/v1/things/a/parts?reason=%', ['query/reason']],
  ['/api/v1/things/a/parts?reason=100%25%', ['query/reason']],
  ['/api/v1/things/a/parts?reason=%zz&q=%e4', ['query/reason', 'query/q']],
  ['/api/v1/things/a/parts?reason=%ff&reason=a', ['query/reason']],
  ['/api/v1/things/a/parts?r%65ason=%ff', ['query/reason']],
  ['/api/v1/things/a/parts?%ff=a', ['query/%ff']],
  ['/api/v1/things/%e4/parts?reason=%ff', ['path/name', 'query/reason']],
  ['/api/v1/things/a/%ff', ['path']],
])('%s is refused with 400 naming what is wrong', async (url, pointers) => {
  const answer = await ask(url)
  expect(answer.json()).toMatchObject({ status: 400, code: 'malformed' })
  expect(answer.json().errors.map((error: { pointer: string }) => error.pointer)).toEqual(pointers)
})

test.each(['caf\xe9', 'caf\xc3\xa9'])('bytes that are not encoded at all are refused: %j', (raw) => {
  expect(malformedUrl('/things/:name', `/things/${raw}`)).toMatchObject([{ pointer: 'path/name' }])
  expect(malformedUrl('/things', `/things?q=${raw}`)).toMatchObject([{ pointer: 'query/q' }])
})

test('what comes behind a # is read as a query too', () => {
  expect(malformedUrl('/things', '/things#q=%ff')).toMatchObject([{ pointer: 'query/q' }])
})

test('what is well-formed is left alone', async () => {
  const answer = await ask('/api/v1/things/a%2Fb/parts?reason=a+b%2B%3D=c&q=100%25')
  expect(answer.json()).toEqual({ name: 'a/b', reason: 'a b+==c', q: '100%' })
})
