import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { appOf, as } from '../../../test/support/http-app.ts'
import { Problem } from '../../core/problems.ts'
import { serializers } from '../log.ts'
import type { AppOptions } from './app.ts'
import { queryBoolean, queryInteger } from './query.ts'
import { route } from './route.ts'
import { uuid } from './schemas.ts'
import { sharedAnswer } from './shared-answer.ts'

const apps: FastifyInstance[] = []
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()))
})

const thing = z.strictObject({
  name: z.string(),
  size: z.int().min(1).max(9),
  nested: z.strictObject({ on: z.boolean() }),
})

const makeThing = route({
  method: 'POST',
  url: '/api/v1/things/:id',
  operationId: 'makeThing',
  tags: ['things'],
  summary: 'Makes a thing',
  permission: { scope: 'tenant', action: 'release.install', dryRun: 'release.preview' },
  schema: {
    params: z.strictObject({ id: uuid }),
    query: z.strictObject({ count: queryInteger(1, 10).optional(), dryRun: queryBoolean().optional() }),
    body: thing,
    responses: { 201: { description: 'The thing', schema: thing } },
  },
  handler: async ({ body, reply }) => {
    reply.code(201)
    return body
  },
})

const failing = (error: unknown) =>
  route({
    method: 'POST',
    url: '/api/v1/failing',
    operationId: 'fail',
    tags: ['things'],
    summary: 'Fails',
    permission: { scope: 'platform', action: 'self.read' },
    schema: {
      query: z.strictObject({ token: z.string().optional() }),
      responses: { 200: { description: 'Never' } },
    },
    handler: async () => {
      throw error
    },
  })

const id = '7b0c3c8e-58a3-4ad0-9b0b-1f6b1df1c001'
const good = { name: 'a', size: 3, nested: { on: true } }

function app(options: Partial<AppOptions> = { routes: [[makeThing]] }): FastifyInstance {
  const made = appOf(options)
  apps.push(made)
  return made
}

const post = (payload: unknown, url = `/api/v1/things/${id}`, headers: Record<string, string> = as('admin')) => {
  const type = { 'content-type': 'application/json' }
  const text = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload)
  return app().inject({ method: 'POST', url, headers: { ...type, ...headers }, payload: text })
}

test('a good request reaches the handler', async () => {
  const answer = await post(good)
  expect([answer.statusCode, answer.json()]).toEqual([201, good])
  expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  expect(answer.headers['access-control-allow-origin']).toBeUndefined()
})

test.each<[string, unknown, string, string]>([
  ['an unknown field', { ...good, atomicc: true }, '', '/atomicc'],
  ['an unknown nested field', { ...good, nested: { on: true, off: 1 } }, '', '/nested/off'],
  ['a missing field', { size: 3, nested: { on: true } }, '', '/name'],
  ['a number as text', { ...good, size: '3' }, '', '/size'],
  ['a truth as text', { ...good, nested: { on: 'true' } }, '', '/nested/on'],
  ['out of range', { ...good, size: 10 }, '', '/size'],
  ['a list for an object', [], '', ''],
  ['null for an object', null, '', ''],
  ['an unknown parameter', good, '?cuont=1', 'query/cuont'],
  ['a parameter out of range', good, '?count=11', 'query/count'],
  ['a parameter with a fraction', good, '?count=1.0', 'query/count'],
  ['a parameter given twice', good, '?count=1&count=2', 'query/count'],
  ['an empty parameter', good, '?count=', 'query/count'],
  ['a truth that is none', good, '?dryRun=yes', 'query/dryRun'],
])('%s is refused with 400 naming the field', async (_, body, query, pointer) => {
  const answer = await post(body, `/api/v1/things/${id}${query}`)
  expect(answer.statusCode).toBe(400)
  expect(answer.headers['content-type']).toContain('application/problem+json')
  expect(answer.json()).toMatchObject({ code: 'malformed', status: 400, instance: `/api/v1/things/${id}` })
  expect(answer.json().errors.map((e: { pointer: string }) => e.pointer)).toEqual([pointer])
})

test('a malformed id in the path is 400', async () => {
  const answer = await post(good, '/api/v1/things/42')
  expect(answer.json()).toMatchObject({ status: 400, errors: [{ pointer: 'path/id' }] })
})

test('a wrong value is never repeated', async () => {
  expect((await post({ ...good, size: 'hunter2' })).body).not.toContain('hunter2')
})

test.each([
  ['malformed JSON', '{"name":', 400, 'malformed'],
  ['deep nesting', '['.repeat(200_000), 400, 'malformed'],
  ['a byte that is no UTF-8', Buffer.from('{"name":"caf\xe9"}', 'latin1'), 400, 'malformed'],
  ['more than 1 MiB', JSON.stringify({ name: 'x'.repeat(1024 * 1024) }), 413, 'too_large'],
])('%s is a problem of the catalogue', async (_, payload, status, code) => {
  const answer = await post(payload)
  expect(answer.statusCode).toBe(status)
  expect(answer.json()).toMatchObject({ code, status })
  expect(answer.body).not.toMatch(/at .*\.(ts|js):/)
})

test.each([
  ['{"nested":{"__proto__":{"on":true}}}', '/nested/__proto__'],
  ['{"size":9007199254740993}', '/size'],
])('%s is refused and the field named', async (payload, pointer) => {
  const answer = await post(payload)
  expect(answer.json()).toMatchObject({ status: 400, code: 'malformed', errors: [{ pointer }] })
})

test('another media type is 415', async () => {
  const answer = await post('name=a', undefined, {
    ...as('admin'),
    'content-type': 'application/x-www-form-urlencoded',
  })
  expect(answer.json()).toMatchObject({ status: 415, code: 'unsupported_media_type' })
})

test('an empty body counts as no fields', async () => {
  expect((await post('')).json().errors).toHaveLength(3)
})

test('an unknown path is 404, a known one with another method 405 with Allow', async () => {
  const server = app()
  const unknown = await server.inject({ url: '/api/v1/thing' })
  expect(unknown.json()).toMatchObject({ status: 404, code: 'not_found', instance: '/api/v1/thing' })
  const wrong = await server.inject({ method: 'DELETE', url: `/api/v1/things/${id}` })
  expect(wrong.json()).toMatchObject({ status: 405, code: 'method_not_allowed' })
  expect(wrong.headers.allow).toBe('POST')
  expect((await server.inject({ url: '/api/v1/%zz' })).json()).toMatchObject({ status: 400, code: 'malformed' })
})

test('without a valid token 401, before the body is looked at', async () => {
  for (const headers of [{}, as('unknown'), { authorization: 'Basic YWRtaW46eA==' }, { authorization: 'Bearer ' }]) {
    const answer = await post('{', undefined, headers as Record<string, string>)
    expect(answer.json()).toMatchObject({ status: 401, code: 'unauthenticated' })
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/)
  }
})

test('a role that may only preview is let through for a dry run alone', async () => {
  const server = app({ routes: [[makeThing]], authorize: (_, action) => action === 'release.preview' })
  const call = (query: string) =>
    server.inject({ method: 'POST', url: `/api/v1/things/${id}${query}`, headers: as('viewer'), payload: good })
  expect((await call('')).json()).toMatchObject({ status: 403, code: 'forbidden' })
  expect((await call('?dryRun=false')).statusCode).toBe(403)
  expect((await call('?dryRun=true')).statusCode).toBe(201)
})

test('a foreign Host is refused', async () => {
  const server = app({ publicHost: 'flotilla.example' })
  const ask = async (host: string) => (await server.inject({ url: '/healthz', headers: { host } })).statusCode
  expect(await ask('evil.example')).toBe(400)
  expect(await ask('127.0.0.1:8084')).toBe(200)
  expect(await ask('flotilla.example')).toBe(200)
})

test('what nobody foresaw is 500 with the request id, and its text goes to the log only', async () => {
  const lines: string[] = []
  const log = pino({ level: 'info', serializers }, { write: (line: string) => void lines.push(line) })
  const error = Object.assign(new Error('password is hunter2'), { code: 'E1', row: { values: 'canary' } })
  const server = app({ routes: [[failing(error)]], log })
  const answer = await server.inject({ method: 'POST', url: '/api/v1/failing?token=abc', headers: as('admin') })
  expect(answer.statusCode).toBe(500)
  expect(answer.json()).toMatchObject({ code: 'internal', instance: '/api/v1/failing' })
  expect(answer.body).not.toContain('hunter2')
  expect(answer.headers['x-request-id']).toBe(answer.json().requestId)
  expect(lines.join('')).toContain(answer.json().requestId)
  expect(lines.join('')).toMatch(/hunter2.*"code":"E1"/)
  expect(lines.join('')).not.toMatch(/token=abc|Bearer|canary/)
})

test('a problem keeps its own members', async () => {
  const problem = new Problem('operation_in_progress', 'An upgrade is running', { extra: { operationId: id } })
  const server = app({ routes: [[failing(problem)]] })
  const answer = await server.inject({ method: 'POST', url: '/api/v1/failing', headers: as('admin') })
  expect(answer.json()).toMatchObject({ status: 409, code: 'operation_in_progress', operationId: id })
})

test('a route without a body refuses one', async () => {
  const server = app({ routes: [[failing(new Error('reached'))]] })
  const send = { method: 'POST', url: '/api/v1/failing', headers: as('admin'), payload: { force: true } } as const
  expect((await server.inject(send)).json()).toMatchObject({ status: 400, errors: [{ pointer: '/force' }] })
})

test('a caller beyond its rate is told when to come back', async () => {
  const server = app({ requestsPerSecond: 1, clock: { now: () => 0, sleep: async () => undefined } })
  const ask = (token: string) => server.inject({ url: '/metrics', headers: as(token) })
  expect((await ask('admin')).statusCode).toBe(200)
  const answer = await ask('admin')
  expect(answer.json()).toMatchObject({ status: 429, code: 'too_many_requests' })
  expect(answer.headers['retry-after']).toBe('1')
  expect((await ask('viewer')).statusCode).toBe(200)
})

test('metrics need a key unless they are open, and label by route', async () => {
  const server = app()
  expect((await server.inject({ url: '/metrics' })).statusCode).toBe(401)
  await server.inject({ method: 'POST', url: `/api/v1/things/${id}`, headers: as('admin'), payload: good })
  const text = (await server.inject({ url: '/metrics', headers: as('admin') })).body
  expect(text).toContain('route="/api/v1/things/:id"')
  expect(text).not.toContain(id)
  expect((await app({ metricsOpen: true }).inject({ url: '/metrics' })).statusCode).toBe(200)
})

test('readiness names what fails and nothing of why', async () => {
  const readiness = [
    { name: 'database', check: async () => {} },
    { name: 'cluster', check: async () => Promise.reject(new Error('secret address')) },
  ]
  const answer = await app({ readiness }).inject({ url: '/readyz' })
  expect(answer.statusCode).toBe(503)
  expect(answer.json()).toEqual({ status: 'unavailable', checks: { database: 'ok', cluster: 'failing' } })
})

test('an answer that the document does not promise is a fault that tests see', async () => {
  const liar = route({
    method: 'GET',
    url: '/api/v1/liar',
    operationId: 'lie',
    tags: ['things'],
    summary: 'Answers more than it says',
    permission: { scope: 'public' },
    schema: { responses: { 200: { description: 'A thing', schema: z.strictObject({ a: z.string() }) } } },
    handler: async () => ({ a: 'x', ...{ secret: 'y' } }),
  })
  const answer = await app({ routes: [[liar]] }).inject({ url: '/api/v1/liar' })
  expect(answer.statusCode).toBe(500)
})

test('the limits on time bound requests, not answers', async () => {
  const { server } = app()
  expect([server.timeout, server.requestTimeout, server.headersTimeout]).toEqual([0, 60_000, 30_000])
})

test('the documentation page loads nothing and escapes what it shows', async () => {
  const evil = route({ ...makeThing, summary: '<script>alert(1)</script>' })
  const answer = await app({ routes: [[evil]] }).inject({ url: '/docs' })
  expect(answer.headers['content-security-policy']).toContain("default-src 'none'")
  expect(answer.body).not.toMatch(/<script|src=|@import/)
  expect(answer.body).toContain('&lt;script&gt;')
})

test('an answer that is shared is JSON as any other, and is held against its schema', async () => {
  const shared = (value: { name: string; size: number; nested: { on: boolean } }) =>
    route({
      method: 'GET',
      url: '/api/v1/shared',
      operationId: 'shared',
      tags: ['things'],
      summary: 'Shares',
      permission: { scope: 'public' },
      schema: { responses: { 200: { description: 'The thing', schema: thing } } },
      handler: async () => sharedAnswer(value),
    })
  const answer = await app({ routes: [[shared(good)]] }).inject('/api/v1/shared')
  expect([answer.statusCode, answer.json()]).toEqual([200, good])
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
  const wrong = await app({ routes: [[shared({ ...good, size: 10 })]] }).inject('/api/v1/shared')
  expect(wrong.statusCode).toBe(500)
})
