import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpenApiDocument } from '../../../src/infra/http/openapi.ts'
import { arbitraryOf } from '../../support/openapi-arbitrary.ts'
import { walkOpenApi } from '../../support/openapi-walk.ts'
import type { Answer, Headed, Problem } from '../fleet/api.ts'
import { expectStatus } from '../fleet/api.ts'
import { tenants } from '../fleet/world.ts'
import { everything, type Given, openGiven } from './given.ts'
import { type ApiOperation, bodies, operationsOf, pathsOf, queries, urlWith } from './operations-of-api.ts'

const committed = await readFile(new URL('../../../openapi.json', import.meta.url), 'utf8')
const document = JSON.parse(committed) as OpenApiDocument
const all = operationsOf(document)
const writes = all.filter(({ method }) => method !== 'GET')
const withBody = all.filter(({ operation }) => operation.requestBody !== undefined)
const nobody = '99999999-0000-4000-8000-000000000000'

let given: Given
beforeAll(async () => {
  given = await openGiven()
})
afterAll(() => given?.world.stop())

/** What the operation answers the admin when the request is right but for `change`. */
async function send(of: ApiOperation, change: { url?: string; raw?: string; headers?: Headed } = {}) {
  const body = of.operation.requestBody === undefined ? undefined : JSON.stringify(bodies[of.id] ?? {})
  const text = change.raw ?? body
  const answer = await given.world.admin.raw(of.method, change.url ?? urlWith(of, nobody), {
    headers: { ...(text === undefined ? {} : { 'content-type': 'application/json' }), ...change.headers },
    ...(text === undefined ? {} : { body: text }),
  })
  const told = await answer.text()
  const json = answer.headers.get('content-type')?.includes('json') === true
  return { status: answer.status, headers: answer.headers, text: told, body: (json ? JSON.parse(told) : {}) as Problem }
}

function expectProblem(answer: Answer<Problem>, status: number, code: string, pointer?: string): void {
  expect([answer.status, answer.body.code], answer.text).toEqual([status, code])
  expect(answer.headers.get('content-type')).toContain('application/problem+json')
  if (pointer !== undefined) expect(answer.body.errors?.map((error) => error.pointer)).toContain(pointer)
}

test('the server answers the document that is committed', async () => {
  const answer = await fetch(`${given.world.url}/openapi.json`)
  expect(`${JSON.stringify(await answer.json(), null, 2)}\n`).toBe(committed)
})

test('the page shows every operation, runs nothing and loads nothing', async () => {
  const answer = await fetch(`${given.world.url}/docs`)
  const page = await answer.text()
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')])
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(page).not.toMatch(/<script|<img|<link|<iframe|\son[a-z]+=|(src|href)="(?!#|\/openapi\.json")/i)
  for (const { id } of all) expect(page).toContain(`id="${id}"`)
  const anchors = [...page.matchAll(/href="#([^"]+)"/g)].map(([, anchor]) => anchor)
  for (const anchor of new Set(anchors)) expect(page).toContain(`id="${anchor}"`)
})

test('every operation names its permission and denies whom it must', async () => {
  const before = await everything(given)
  const { world, keys } = given
  const faults = await walkOpenApi(
    {
      inject: async ({ method, url, headers, payload, query }) => {
        const search = new URLSearchParams(query).toString()
        const answer = await fetch(`${world.url}${url}${search === '' ? '' : `?${search}`}`, {
          method,
          headers: { ...headers, ...(payload === undefined ? {} : { 'content-type': 'application/json' }) },
          ...(payload === undefined ? {} : { body: JSON.stringify(payload) }),
        })
        return { statusCode: answer.status, body: await answer.text() }
      },
    },
    {
      tenantId: tenants.a,
      foreignKey: keys.foreign,
      viewerKey: keys.viewer,
      path: pathsOf(given),
      bodies,
      query: queries,
      public: ['getHealth', 'getReadiness', 'getOpenApi', 'getDocs'],
    },
  )
  expect(faults).toEqual([])
  const { lists: _, ...cluster } = (await everything(given)) as { lists: unknown; versions: unknown }
  expect(cluster).toEqual({ versions: (before as { versions: unknown }).versions })
})

describe.each(withBody.map((of) => [of.id, of] as const))('the body of %s', (_, of) => {
  test.each([
    ['is JSON', '{"a":'],
    ['is not cut off', ''.padEnd(20, '[')],
    ['is an object, no list', '[]'],
    ['is an object, no text', '"x"'],
    ['is an object, not null', 'null'],
    ['is not nested without end', `${'{"a":'.repeat(200)}1${'}'.repeat(200)}`],
  ])('%s', async (_what, raw) => expectProblem(await send(of, { raw }), 400, 'malformed'))

  test('names a field that nobody knows', async () => {
    const raw = JSON.stringify({ ...bodies[of.id], unheardOf: 1 })
    expectProblem(await send(of, { raw }), 400, 'malformed', '/unheardOf')
  })

  test('names a field that is given twice, of which one would be passed over', async () => {
    const [name = 'a'] = Object.keys(bodies[of.id] ?? {})
    const fields = JSON.stringify({ ...bodies[of.id], [name]: 1 }).slice(1, -1)
    const raw = `{${fields}, ${JSON.stringify(name)}: 1}`
    expectProblem(await send(of, { raw }), 400, 'malformed', `/${name}`)
  })

  test('names a field that would be a prototype', async () => {
    expectProblem(await send(of, { raw: '{"__proto__": {"a": 1}}' }), 400, 'malformed', '/__proto__')
  })

  test('is JSON by its type, and at most 1 MiB', async () => {
    expectProblem(
      await send(of, { raw: 'a=1', headers: { 'content-type': 'text/plain' } }),
      415,
      'unsupported_media_type',
    )
    expectProblem(await send(of, { raw: JSON.stringify({ a: 'x'.repeat(1024 * 1024) }) }), 413, 'too_large')
  })
})

test.each(writes.map((of) => [of.id, of] as const))('%s refuses a key for replays that is none', async (_, of) => {
  for (const key of ['a b', 'x'.repeat(256)]) {
    expectProblem(await send(of, { headers: { 'idempotency-key': key } }), 400, 'malformed', 'header/idempotency-key')
  }
})

const ofApi = all.filter(({ path }) => path.startsWith('/api/')).map((of) => [of.id, of] as const)
test.each(ofApi)('%s refuses a parameter that nobody knows', async (_, of) => {
  expectProblem(await send(of, { url: urlWith(of, nobody, { unheardOf: '1' }) }), 400, 'malformed', 'query/unheardOf')
})

test.each(ofApi)('%s names a parameter that is no UTF-8', async (_, of) => {
  const { name } = of.operation.parameters.find((each) => each.in === 'query') ?? { name: 'unheardOf' }
  const url = urlWith(of, nobody)
  const more = `${url.includes('?') ? '&' : '?'}${name}=%ff`
  expectProblem(await send(of, { url: `${url}${more}` }), 400, 'malformed', `query/${name}`)
})

const idParameter = /\{(id|tenantId|executionId|componentId)\}/
const byId = all.filter(({ path }) => idParameter.test(path)).map((of) => [of.id, of] as const)
test.each(byId)('%s refuses what is no id, and does not find an unknown one', async (_, of) => {
  const parameter = idParameter.exec(of.path)?.[1]
  expectProblem(await send(of, { url: urlWith(of, 'not-an-id') }), 400, 'malformed', `path/${parameter}`)
  expectProblem(await send(of, { url: urlWith(of, '%00') }), 400, 'malformed', `path/${parameter}`)
  expectProblem(await send(of, { url: urlWith(of, '%ff') }), 400, 'malformed', `path/${parameter}`)
  expectProblem(await send(of), 404, 'not_found')
})

test.each(['evil.example.com', '127.0.0.1.evil.example.com', ''])('a Host of "%s" is refused', async (host) => {
  const url = new URL(`${given.world.url}/api/v1/helm/releases`)
  const status = await new Promise((resolve, reject) => {
    request(url, { headers: { host }, setHost: false }, (answer) => resolve(answer.resume().statusCode))
      .on('error', reject)
      .end()
  })
  expect(status).toBe(400)
})

test('a method that a path does not know is 405 and names those that it does', async () => {
  const answer = await given.world.admin.send<Problem>('PUT', '/helm/releases', {})
  expectProblem(answer, 405, 'method_not_allowed')
  expect(answer.headers.get('allow')).toBe('GET, POST')
  expectStatus(await given.world.admin.get('/helm/nothing'), 404)
})

describe('whatever it is asked, the server is not at fault', () => {
  // One seed a run of the suite, so that it is as good as it was; FUZZ_SEED and FUZZ_RUNS look further.
  const runs = { numRuns: Number(process.env.FUZZ_RUNS ?? 20), seed: Number(process.env.FUZZ_SEED ?? 1) }

  test.each(withBody.map((of) => [of.id, of] as const))('body of %s', async (_, of) => {
    const schema = of.operation.requestBody?.content['application/json']?.schema ?? {}
    await fc.assert(
      fc.asyncProperty(arbitraryOf(document, schema), async (body) => {
        const answer = await send(of, { raw: JSON.stringify(body), headers: { prefer: 'respond-async' } })
        expect(answer.status, answer.text).toBeLessThan(500)
      }),
      runs,
    )
  })

  const withQuery = all.filter((of) => of.method === 'GET' && of.operation.parameters.some((p) => p.in === 'query'))
  test.each(withQuery.map((of) => [of.id, of] as const))('query of %s', async (_, of) => {
    const parameters = of.operation.parameters.filter((parameter) => parameter.in === 'query')
    const model = Object.fromEntries(parameters.map(({ name, schema }) => [name, arbitraryOf(document, schema)]))
    await fc.assert(
      fc.asyncProperty(fc.record(model, { requiredKeys: [] }), async (query) => {
        const asked = Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]))
        const answer = await send(of, { url: urlWith(of, nobody, asked) })
        expect(answer.status, answer.text).toBeLessThan(500)
      }),
      runs,
    )
  })

  const base = { chartName: 'small', chartVersion: '1.2.0', tenantId: tenants.a, namespace: 'tenant-b' }
  const deep: readonly (readonly [string, string, object])[] = [
    ['an upgrade of mine that is only a preview', 'upgradeRelease', { chartVersion: '1.9.0' }],
    ['an install into a foreign namespace', 'installRelease', base],
  ]
  test.each(deep)('%s, with a chart that there is', async (_, id, fixed) => {
    const of = withBody.find((each) => each.id === id)
    if (of === undefined) throw new Error(`there is no ${id}`)
    const schema = of.operation.requestBody?.content['application/json']?.schema ?? {}
    const url = `${urlWith(of, given.ids.mine ?? '')}${id === 'upgradeRelease' ? '?dryRun=true' : ''}`
    await fc.assert(
      fc.asyncProperty(arbitraryOf(document, schema), async (body) => {
        const answer = await send(of, { url, raw: JSON.stringify({ ...Object(body), ...fixed }) })
        expect(answer.status, answer.text).toBeLessThan(500)
      }),
      runs,
    )
  })
})
