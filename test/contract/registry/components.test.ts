import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { listEvents } from '../../../src/infra/events/events.ts'
import { componentOf, openRegistry, problem, type Registry, type Row } from './support.ts'

let registry: Registry
beforeEach(async () => {
  registry = await openRegistry()
})
afterEach(() => registry.close())

const unknown = '99999999-0000-4000-8000-000000000000'
const list = async (query = '') => (await registry.send<Row[]>('GET', `/registry/components${query}`)).body
const names = async (query = '') => (await list(query)).map(({ name }) => name)

test('a component is registered, read and listed', async () => {
  const healthEndpoint = { path: '/health', port: 8080 }
  const body = componentOf('query', { healthEndpoint, description: 'Answers queries' })
  const made = await registry.send('POST', '/registry/components', body)
  expect(made.status).toBe(201)
  expect(made.body).toMatchObject(body)
  expect(made.headers.location).toBe(`/api/v1/registry/components/${made.body.id}`)
  expect((await registry.send('GET', String(made.headers.location), undefined, { as: 'viewer' })).body).toEqual(
    made.body,
  )
  expect(await list()).toEqual([made.body])
})

test('what is optional is null', async () => {
  expect(await registry.component('query')).toMatchObject({ healthEndpoint: null, description: null })
  const given = { healthEndpoint: null, description: null }
  expect(await registry.component('other', given)).toMatchObject(given)
})

test.each<[string, object, string]>([
  ['no name', { name: undefined }, '/name'],
  ['a blank name', { name: '  ' }, '/name'],
  ['no category', { category: undefined }, '/category'],
  ['no chart', { chartName: undefined }, '/chartName'],
  ['a chart that is a path', { chartName: '../x' }, '/chartName'],
  ['a path that climbs', { healthEndpoint: { path: '/../x', port: 1 } }, '/healthEndpoint/path'],
  ['a path that is encoded', { healthEndpoint: { path: '/%2e', port: 1 } }, '/healthEndpoint/path'],
  ['a path of another host', { healthEndpoint: { path: '//host/x', port: 1 } }, '/healthEndpoint/path'],
  ['a path without its slash', { healthEndpoint: { path: 'health', port: 1 } }, '/healthEndpoint/path'],
  ['port 0', { healthEndpoint: { path: '/', port: 0 } }, '/healthEndpoint/port'],
  ['port 65536', { healthEndpoint: { path: '/', port: 65_536 } }, '/healthEndpoint/port'],
  ['no port', { healthEndpoint: { path: '/' } }, '/healthEndpoint/port'],
  ['an unknown field of the endpoint', { healthEndpoint: { path: '/', port: 1, tls: true } }, '/healthEndpoint/tls'],
  ['an unknown field', { chart: 'x' }, '/chart'],
  ['an id', { id: unknown }, '/id'],
])('with %s it is refused, and nothing is written', async (_, change, pointer) => {
  expect(await registry.send('POST', '/registry/components', componentOf('query', change))).toMatchObject(
    problem(400, 'malformed', pointer),
  )
  expect(await list()).toEqual([])
})

test('a name is given once, also when two ask at the same moment', async () => {
  const both = await Promise.all(
    ['matih-a', 'matih-b'].map((chartName) =>
      registry.send('POST', '/registry/components', componentOf('query', { chartName })),
    ),
  )
  expect(both.map(({ status }) => status).sort()).toEqual([201, 409])
  expect(both.find(({ status }) => status === 409)).toMatchObject(problem(409, 'conflict', '/name'))
  expect(await list()).toHaveLength(1)
})

describe('a change', () => {
  test('changes what is given, clears what is null, and leaves the rest', async () => {
    const before = await registry.component('query', { description: 'x', healthEndpoint: { path: '/', port: 1 } })
    const url = `/registry/components/${before.id}`
    const { body: after } = await registry.send('PATCH', url, { name: 'engine', healthEndpoint: null })
    expect(after).toEqual({ ...before, name: 'engine', healthEndpoint: null, updatedAt: expect.any(String) })
    expect(after.updatedAt).not.toBe(before.updatedAt)
    expect((await registry.send('GET', url)).body).toEqual(after)
  })

  test('that changes nothing leaves no trace', async () => {
    const before = await registry.component('query', { healthEndpoint: { path: '/', port: 1 } })
    const patch = { name: 'query', healthEndpoint: { port: 1, path: '/' } }
    expect((await registry.send('PATCH', `/registry/components/${before.id}`, patch)).body).toEqual(before)
    expect(await listEvents(registry.database.db, { kind: 'component', id: before.id })).toHaveLength(1)
  })

  test.each<[string, object, number, string, string]>([
    ['nothing', {}, 400, 'malformed', ''],
    ['a reason alone', { reason: 'x' }, 400, 'malformed', ''],
    ['a name of null', { name: null }, 400, 'malformed', '/name'],
    ['an unknown field', { nmae: 'x' }, 400, 'malformed', '/nmae'],
    ['a name that is taken', { name: 'other' }, 409, 'conflict', '/name'],
    ['the name that others depend on', { name: 'new' }, 409, 'in_use', '/name'],
  ])('to %s is refused', async (_, patch, status, code, pointer) => {
    const before = await registry.component('query')
    const other = await registry.component('other')
    if (code === 'in_use') await registry.versions(other, { version: '1.0.0', dependencies: { query: '*' } })
    const url = `/registry/components/${before.id}`
    expect(await registry.send('PATCH', url, patch)).toMatchObject(problem(status, code, pointer))
    expect((await registry.send('GET', url)).body).toEqual(before)
  })

  test('of an unknown component is 404', async () => {
    expect(await registry.send('PATCH', `/registry/components/${unknown}`, { name: 'x' })).toMatchObject(
      problem(404, 'not_found'),
    )
  })
})

describe('lists', () => {
  beforeEach(async () => {
    for (const name of ['b', 'd', 'a', 'c']) await registry.component(name, { category: name < 'c' ? 'ONE' : 'TWO' })
  })

  test.each([
    ['', ['c', 'a', 'd', 'b']],
    ['?sort=createdAt', ['b', 'd', 'a', 'c']],
    ['?sort=name', ['a', 'b', 'c', 'd']],
    ['?sort=-name', ['d', 'c', 'b', 'a']],
    ['?category=ONE', ['a', 'b']],
    ['?chartName=matih-d', ['d']],
    ['?q=two', ['c', 'd']],
    ['?q=MATIH-A', ['a']],
    ['?q=%25', []],
  ])('of %s', async (query, expected) => {
    const answer = await registry.send<Row[]>('GET', `/registry/components${query}`)
    expect(answer.body.map(({ name }) => name)).toEqual(expected)
    expect(answer.headers['x-total-count']).toBe(String(expected.length))
  })

  test.each(['', '&sort=name', '&sort=-name', '&sort=createdAt'])('page by page%s', async (sort) => {
    const seen: unknown[] = []
    for (let url: string | undefined = `/registry/components?limit=3${sort}`; url !== undefined; ) {
      const page: { body: Row[]; headers: Record<string, unknown> } = await registry.send<Row[]>('GET', url)
      expect(page.headers['x-total-count']).toBe('4')
      seen.push(...page.body.map(({ name }) => name))
      url = /^<([^>]+)>; rel="next"$/.exec(String(page.headers.link))?.[1]
    }
    expect(seen).toEqual(await names(sort.replace('&', '?')))
  })
})

test('every change is an event with its audit entry, numbered without gaps', async () => {
  const { id } = await registry.component('query', { description: 'not for events' })
  await registry.send('PATCH', `/registry/components/${id}`, { description: null, reason: 'tidy' })
  await registry.versions({ id }, '1.0.0')
  const events = await listEvents(registry.database.db, { kind: 'component', id })
  expect(events.map(({ seq, type, tenantId }) => [seq, type, tenantId])).toEqual([
    [1, 'registry.component.created', null],
    [2, 'registry.component.updated', null],
    [3, 'registry.version.created', null],
  ])
  expect(events[1]?.data).toMatchObject({ componentId: id, changed: ['description'], performedBy: 'platform-admin' })
  expect(JSON.stringify(events)).not.toContain('not for events')
  const { body: audit } = await registry.send<Row[]>('GET', '/audit')
  expect(audit.map(({ action, subject, reason }) => [action, subject, reason])).toEqual([
    ['registry.version.created', `component/${id}`, null],
    ['registry.component.updated', `component/${id}`, 'tidy'],
    ['registry.component.created', `component/${id}`, null],
  ])
})

test('a request that is repeated with its key is carried out once', async () => {
  const send = () => registry.send('POST', '/registry/components', componentOf('query'), { key: 'once' })
  const [first, second] = [await send(), await send()]
  expect([second.status, second.body]).toEqual([201, first.body])
  expect(second.headers.location).toBe(first.headers.location)
  expect(await list()).toHaveLength(1)
})

test.each(['operator', 'viewer'] as const)('a %s reads and does not write', async (as) => {
  const { id } = await registry.component('query')
  expect((await registry.send('GET', '/registry/components', undefined, { as })).status).toBe(200)
  const denied = problem(403, 'forbidden')
  expect(await registry.send('POST', '/registry/components', componentOf('x'), { as })).toMatchObject(denied)
  expect(await registry.send('PATCH', `/registry/components/${id}`, { name: 'x' }, { as })).toMatchObject(denied)
})
