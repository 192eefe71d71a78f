import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { problemCatalogue } from '../../../src/core/problems.ts'
import type { OpenApiDocument } from '../../../src/infra/http/openapi.ts'
import { arbitraryOf } from '../../support/openapi-arbitrary.ts'
import type { Api, Headed } from '../fleet/api.ts'
import { everything, type Given, openGiven } from './given.ts'
import { type ApiOperation, bodies, operationsOf, urlOf as urlIn } from './operations-of-api.ts'

const committed = await readFile(new URL('../../../openapi.json', import.meta.url), 'utf8')
const document = JSON.parse(committed) as OpenApiDocument
const all = operationsOf(document)
const named = (some: readonly ApiOperation[]) => some.map((of) => [of.id, of] as const)
const writes = all.filter(({ method }) => method !== 'GET')
const lists = all.filter(({ operation }) => operation.parameters.some(({ name }) => name === 'cursor'))

// One seed a run of the suite, so that it is as good as it was; FUZZ_SEED and FUZZ_RUNS look further.
const runs = { numRuns: Number(process.env.FUZZ_RUNS ?? 12), seed: Number(process.env.FUZZ_SEED ?? 1) }

let given: Given
beforeAll(async () => {
  given = await openGiven()
})
afterAll(() => given?.world.stop())

const urlOf = (of: ApiOperation, query: Headed = {}): string => urlIn(given, of, query)

type Sending = { readonly url?: string; readonly body?: unknown; readonly headers?: Headed }

/** Sends what may be wrong in any way, and holds what comes back against what every answer must be. */
async function send(api: Api, of: ApiOperation, { url, body, headers }: Sending) {
  const text = body === undefined ? undefined : JSON.stringify(body)
  const leaving = new AbortController()
  const answer = await api.raw(of.method, url ?? urlOf(of), {
    headers: { ...(text === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(text === undefined ? {} : { body: text }),
    signal: leaving.signal,
  })
  const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream') === true
  const told = isStream ? '' : await answer.text()
  if (isStream) leaving.abort()
  expect(answer.status, told).toBeLessThan(500)
  expect(told).not.toMatch(/\bat .+\.(ts|js):\d+|node_modules|\/src\//)
  if (answer.status >= 400) expectProblem(answer, told)
  return { status: answer.status, text: told, headers: answer.headers }
}

function expectProblem(answer: Response, told: string): void {
  expect(answer.headers.get('content-type')).toContain('application/problem+json')
  const { status, code, title } = JSON.parse(told) as {
    status: number
    code: keyof typeof problemCatalogue
    title: string
  }
  expect([status, title]).toEqual([answer.status, problemCatalogue[code].title])
  expect(problemCatalogue[code].status).toBe(answer.status)
}

/** What a request may carry in a header: visible and not, but nothing that the client of this test would not send. */
const value = fc
  .oneof(
    fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)), maxLength: 80 }),
    fc.constantFrom('*', 'null', '0', '-1', '9'.repeat(40), '"', 'W/"a"', ',,,', 'text/event-stream', 'respond-async'),
  )
  .filter((text) => text.trim() !== '' && !text.includes('\x7f'))
const headerNames = [
  ...['accept', 'authorization', 'content-type', 'cookie', 'expect-ct', 'forwarded', 'idempotency-key', 'if-match'],
  ...['if-modified-since', 'if-none-match', 'last-event-id', 'origin', 'prefer', 'range', 'te', 'traceparent'],
  ...['x-forwarded-for', 'x-forwarded-host', 'x-http-method-override', 'x-request-id', '__proto__', 'constructor'],
]
const headers = fc.dictionary(fc.constantFrom(...headerNames), value, { maxKeys: 5 })

describe('whatever headers it gets, the server is not at fault', () => {
  test.each(named(all.filter(({ method }) => method === 'GET')))('%s', async (_, of) => {
    await fc.assert(
      fc.asyncProperty(headers, async (odd) => void (await send(given.callers.viewer, of, { headers: odd }))),
      runs,
    )
  })
})

describe('a cursor that was changed', () => {
  const change = fc.oneof(
    fc.record({ at: fc.nat(400), flip: fc.integer({ min: 1, max: 255 }) }),
    fc.record({ cut: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ add: fc.string({ minLength: 1, maxLength: 10 }) }),
    fc.record({ instead: fc.oneof(fc.string({ minLength: 1 }), fc.base64String({ minLength: 4 })) }),
  )
  type Change = { at?: number; flip?: number; cut?: number; add?: string; instead?: string }

  function changed(cursor: string, { at = 0, flip, cut, add, instead }: Change): string {
    const bytes = Buffer.from(cursor, 'base64url')
    if (instead !== undefined) return instead
    if (cut !== undefined) return bytes.subarray(0, Math.max(1, bytes.length - cut)).toString('base64url')
    if (add !== undefined) return Buffer.concat([bytes, Buffer.from(add)]).toString('base64url')
    bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ (flip ?? 1)
    return bytes.toString('base64url')
  }

  /** The cursor of a list's second page; null where there is none. */
  async function nextOf(of: ApiOperation): Promise<string | null> {
    const { headers } = await send(given.world.admin, of, { url: urlOf(of, { limit: '1' }) })
    const link = /<[^?]+\?([^>]+)>/.exec(headers.get('link') ?? '')?.[1]
    return new URLSearchParams(link ?? '').get('cursor')
  }

  test.each(named(lists))('of %s is refused', async (_, of) => {
    const cursor = (await nextOf(of)) ?? 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    await fc.assert(
      fc.asyncProperty(change, async (wrong) => {
        const { status, text } = await send(given.world.admin, of, {
          url: urlOf(of, { cursor: changed(cursor, wrong) }),
        })
        expect([status, ['invalid_cursor', 'malformed'].includes(JSON.parse(text).code)], text).toEqual([400, true])
      }),
      runs,
    )
  })

  test('holds for its own list and filter only, whoever made it', async () => {
    const cursors: string[] = []
    for (const of of lists) {
      const cursor = await nextOf(of)
      if (cursor !== null) cursors.push(cursor)
    }
    expect(cursors.length).toBeGreaterThan(10)
    for (const [n, of] of lists.entries()) {
      const accepted = await Promise.all(
        cursors.map(
          async (cursor) => (await send(given.world.admin, of, { url: urlOf(of, { cursor }) })).status === 200,
        ),
      )
      expect(accepted.filter(Boolean).length, `${n} ${of.id}`).toBeLessThanOrEqual(1)
    }
  })
})

describe('a request that is refused changes nothing', () => {
  /** Bodies that the document allows, or `none` where it takes none. */
  function bodiesOf({ id, operation }: ApiOperation, none?: object): fc.Arbitrary<unknown> {
    const schema = operation.requestBody?.content['application/json']?.schema
    if (schema === undefined) return fc.constant(none)
    return fc.oneof(arbitraryOf(document, schema), fc.constant(bodies[id] ?? {}))
  }

  test('whatever a viewer writes', async () => {
    const before = await everything(given)
    for (const of of writes.filter(({ operation }) => !mayPreview(operation['x-permission']))) {
      const body = bodiesOf(of)
      await fc.assert(
        fc.asyncProperty(body, headers, async (sent, odd) => {
          const safe = Object.fromEntries(Object.entries(odd).filter(([name]) => name !== 'content-type'))
          const { status } = await send(given.callers.viewer, of, { body: sent, headers: safe })
          expect([400, 401, 403]).toContain(status)
        }),
        { ...runs, numRuns: Math.ceil(runs.numRuns / 2) },
      )
    }
    expect(await everything(given)).toEqual(before)
  })

  test('whatever an admin writes with a field that nobody knows', async () => {
    const before = await everything(given)
    for (const of of writes) {
      const body = bodiesOf(of, {})
      await fc.assert(
        fc.asyncProperty(body, async (sent) => {
          const { status } = await send(given.world.admin, of, { body: { ...Object(sent), unheardOf: 1 } })
          expect(status).toBe(400)
        }),
        { ...runs, numRuns: Math.ceil(runs.numRuns / 2) },
      )
    }
    expect(await everything(given)).toEqual(before)
  })

  test('whatever another tenant writes to what is not theirs', async () => {
    const before = await everything(given)
    const ofTenant = writes.filter(
      ({ path, operation }) => operation['x-permission'].scope === 'tenant' && /\{(?!chart)/.test(path),
    )
    for (const of of ofTenant) {
      const body = bodiesOf(of)
      await fc.assert(
        fc.asyncProperty(body, async (sent) => {
          const { status, text } = await send(given.foreign, of, { body: sent })
          expect([400, 403, 404], text).toContain(status)
          expect(text).not.toContain('tenant-a')
        }),
        { ...runs, numRuns: Math.ceil(runs.numRuns / 2) },
      )
    }
    expect(await everything(given)).toEqual(before)
  })
})

/** A preview is the one write that a viewer may ask for; it is a read by another name. */
function mayPreview(permission: ApiOperation['operation']['x-permission']): boolean {
  return (
    permission.scope !== 'public' &&
    (permission.dryRun !== undefined || /\.(preview|validate)$/.test(permission.action))
  )
}

test('bytes that are no request are answered or dropped, and the next caller is served', async () => {
  const { hostname, port } = new URL(given.world.url)
  const line = fc.oneof(
    fc.constantFrom(
      'GET /api/v1/me HTTP/1.1',
      'POST /api/v1/events HTTP/1.1',
      'GET http://evil/ HTTP/1.1',
      'PRI * HTTP/2.0',
    ),
    fc.string({ unit: 'binary', maxLength: 60 }),
  )
  const header = fc.oneof(
    fc.constantFrom(
      'Host: localhost',
      'Content-Length: -1',
      'Content-Length: 5',
      'Transfer-Encoding: chunked',
      'Host:',
    ),
    fc.constantFrom('Transfer-Encoding: gzip, chunked', 'Expect: 100-continue', 'Upgrade: h2c', 'Connection: upgrade'),
    fc.string({ unit: 'binary', maxLength: 200 }),
  )
  await fc.assert(
    fc.asyncProperty(
      line,
      fc.array(header, { maxLength: 6 }),
      fc.string({ unit: 'binary' }),
      async (first, more, rest) => {
        const answer = await exchange(hostname, Number(port), `${[first, ...more].join('\r\n')}\r\n\r\n${rest}`)
        expect(answer).not.toMatch(/^HTTP\/1\.1 5/)
        expect(answer).not.toMatch(/\bat .+\.(ts|js):\d+|node_modules/)
      },
    ),
    { ...runs, numRuns: runs.numRuns * 10 },
  )
  expect((await given.callers.viewer.get('/me')).status).toBe(200)
})

/** Sends bytes, and gives what came back by the time that either side has ended it. */
function exchange(host: string, port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, host)
    let text = ''
    socket.setTimeout(300, () => socket.destroy())
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(text))
    socket.end(bytes)
  })
}
