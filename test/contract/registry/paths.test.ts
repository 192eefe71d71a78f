import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openRegistry, problem, type Registry, type Row } from './support.ts'

let registry: Registry
let component: Row
let v: readonly Row[]
beforeEach(async () => {
  registry = await openRegistry()
  component = await registry.component('query')
  v = await registry.versions(component, '1.0.0', '1.0.1', '1.1.0', '2.0.0')
})
afterEach(() => registry.close())

const unknown = '99999999-0000-4000-8000-000000000000'
const list = async (query = '') => (await registry.send<Row[]>('GET', `/registry/upgrade-paths${query}`)).body
const add = (body: object) => registry.send('POST', '/registry/upgrade-paths', body)
const between = (from: number, to: number) => ({ fromVersionId: v[from]?.id, toVersionId: v[to]?.id })

type FoundRoute = Row & { readonly versions: readonly string[] }
const routes = (from: number, to: number, more = '') =>
  registry.send<FoundRoute[]>(
    'GET',
    `/registry/components/${component.id}/upgrade-paths?from=${v[from]?.id}&to=${v[to]?.id}${more}`,
  )

describe('an edge', () => {
  test('is added with all that it says, and listed', async () => {
    const says = {
      direct: false,
      requiresDowntime: true,
      estimatedDurationMinutes: 30,
      riskLevel: 'LOW',
      tested: true,
      notes: 'Drain first',
      preUpgradeSteps: ['drain'],
      upgradeSteps: ['move', 'look'],
      postUpgradeSteps: ['undrain'],
      rollbackSteps: ['go back'],
      validationSteps: ['ask it'],
    }
    const made = await add({ ...between(2, 3), ...says })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({
      ...between(2, 3),
      ...says,
      componentId: component.id,
      fromVersion: '1.1.0',
      toVersion: '2.0.0',
      upgradeType: 'MAJOR',
    })
    expect(await list()).toEqual([made.body])
  })

  test.each([
    [0, 1, 'PATCH', 'LOW'],
    [1, 2, 'MINOR', 'MEDIUM'],
    [1, 3, 'MAJOR', 'HIGH'],
  ])('from version %i to %i is %s, and its risk is %s unless told', async (from, to, upgradeType, riskLevel) => {
    expect(await registry.edge(v[from], v[to])).toMatchObject({
      upgradeType,
      riskLevel,
      direct: true,
      requiresDowntime: false,
      estimatedDurationMinutes: null,
      tested: false,
      notes: null,
      upgradeSteps: [],
    })
  })

  test.each<[string, object, string]>([
    ['no from', { fromVersionId: undefined }, '/fromVersionId'],
    ['a from that is no id', { fromVersionId: '1.0.0' }, '/fromVersionId'],
    ['an unknown risk', { riskLevel: 'NONE' }, '/riskLevel'],
    ['a negative duration', { estimatedDurationMinutes: -1 }, '/estimatedDurationMinutes'],
    ['half a minute', { estimatedDurationMinutes: 0.5 }, '/estimatedDurationMinutes'],
    ['steps as text', { upgradeSteps: 'move' }, '/upgradeSteps'],
    ['an empty step', { rollbackSteps: [''] }, '/rollbackSteps/0'],
    ['its type', { upgradeType: 'PATCH' }, '/upgradeType'],
    ['its component', { componentId: unknown }, '/componentId'],
  ])('with %s is refused', async (_, change, pointer) => {
    expect(await add({ ...between(0, 1), ...change })).toMatchObject(problem(400, 'malformed', pointer))
    expect(await list()).toEqual([])
  })

  test('goes up, between two versions of one component that there are, once', async () => {
    const [foreign] = await registry.versions(await registry.component('other'), '9.0.0')
    await registry.versions(component, '2.0.0+b')
    expect(await add(between(0, 0))).toMatchObject(problem(400, 'malformed', '/toVersionId'))
    expect(await add(between(1, 0))).toMatchObject(problem(422, 'refused', '/toVersionId'))
    const build = (await registry.send<Row[]>('GET', `/registry/components/${component.id}/versions`)).body[0]?.id
    expect(await add({ ...between(3, 0), toVersionId: build })).toMatchObject(problem(422, 'refused', '/toVersionId'))
    expect(await add({ ...between(0, 1), toVersionId: foreign?.id })).toMatchObject(
      problem(422, 'refused', '/toVersionId'),
    )
    expect(await add({ ...between(0, 1), toVersionId: unknown })).toMatchObject(problem(404, 'not_found'))
    expect(await add({ ...between(0, 1), fromVersionId: unknown })).toMatchObject(problem(404, 'not_found'))
    const twice = await Promise.all([add(between(0, 1)), add(between(0, 1))])
    expect(twice.map(({ status }) => status).sort()).toEqual([201, 409])
    expect(await list()).toHaveLength(1)
  })
})

test('edges are listed by filters, newest first, page by page', async () => {
  const first = await registry.edge(v[0], v[1], { notes: 'small' })
  const second = await registry.edge(v[1], v[2])
  const third = await registry.edge(v[0], v[2])
  const ids = (rows: readonly Row[]) => rows.map(({ id }) => id)
  expect(ids(await list())).toEqual([third.id, second.id, first.id])
  expect(ids(await list('?sort=createdAt'))).toEqual([first.id, second.id, third.id])
  expect(ids(await list(`?fromVersionId=${v[0]?.id}`))).toEqual([third.id, first.id])
  expect(ids(await list(`?toVersionId=${v[2]?.id}`))).toEqual([third.id, second.id])
  expect(ids(await list(`?componentId=${component.id}&q=SMALL`))).toEqual([first.id])
  expect(ids(await list('?q=1.0.1'))).toEqual([second.id, first.id])
  expect(await list(`?componentId=${unknown}`)).toEqual([])
  const page = await registry.send<Row[]>('GET', '/registry/upgrade-paths?limit=2')
  expect([page.headers['x-total-count'], ids(page.body)]).toEqual(['3', [third.id, second.id]])
  const next = /^<([^>]+)>/.exec(String(page.headers.link))?.[1] ?? ''
  expect(ids((await registry.send<Row[]>('GET', next)).body)).toEqual([first.id])
})

describe('routes', () => {
  test('are all of them, the best first, with what their steps come to', async () => {
    const known = { estimatedDurationMinutes: 10, tested: true }
    await registry.edge(v[0], v[1], known)
    await registry.edge(v[1], v[2], { ...known, requiresDowntime: true })
    await registry.edge(v[2], v[3], { riskLevel: 'MEDIUM' })
    await registry.edge(v[0], v[2], known)
    await registry.edge(v[1], v[3])
    const { body, headers } = await routes(0, 3)
    expect(body.map(({ versions }) => versions.join(' '))).toEqual([
      '1.0.0 1.1.0 2.0.0',
      '1.0.0 1.0.1 2.0.0',
      '1.0.0 1.0.1 1.1.0 2.0.0',
    ])
    expect(headers['x-total-count']).toBe('3')
    expect(body[2]).toMatchObject({
      steps: 3,
      upgradeType: 'MAJOR',
      riskLevel: 'MEDIUM',
      requiresDowntime: true,
      estimatedDurationMinutes: null,
      tested: false,
      path: [{ toVersion: '1.0.1' }, { toVersion: '1.1.0' }, { toVersion: '2.0.0' }],
    })
    const [direct] = (await routes(0, 1)).body
    expect(direct).toMatchObject({ steps: 1, riskLevel: 'LOW', estimatedDurationMinutes: 10, tested: true })
    const best = await routes(0, 3, '&limit=1')
    expect([best.body, best.headers['x-total-count']]).toEqual([body.slice(0, 1), '3'])
  })

  test('that are none are an empty list', async () => {
    await registry.edge(v[0], v[1])
    expect((await routes(1, 0)).body).toEqual([])
    expect((await routes(0, 3)).body).toEqual([])
  })

  test.each<[string, string, number, string, string?]>([
    ['no from', 'to=TO', 400, 'malformed', 'query/from'],
    ['a number in place of an id', 'from=1.0.0&to=TO', 400, 'malformed', 'query/from'],
    ['one version twice', 'from=TO&to=TO', 400, 'malformed', 'query/to'],
    ['more than there may be', 'from=FROM&to=TO&limit=101', 400, 'malformed', 'query/limit'],
    ['an unknown version', `from=FROM&to=${unknown}`, 404, 'not_found'],
  ])('with %s are refused', async (_, query, status, code, pointer) => {
    const asked = query.replaceAll('FROM', v[0]?.id ?? '').replaceAll('TO', v[1]?.id ?? '')
    const answer = await registry.send('GET', `/registry/components/${component.id}/upgrade-paths?${asked}`)
    expect(answer).toMatchObject(problem(status, code, pointer))
  })

  test('do not leave their component', async () => {
    const other = await registry.component('other')
    const url = `/registry/components/${other.id}/upgrade-paths?from=${v[0]?.id}&to=${v[1]?.id}`
    expect(await registry.send('GET', url)).toMatchObject(problem(404, 'not_found'))
  })
})

test.each(['operator', 'viewer'] as const)('a %s searches and does not write', async (as) => {
  await registry.edge(v[0], v[1])
  const url = `/registry/components/${component.id}/upgrade-paths?from=${v[0]?.id}&to=${v[1]?.id}`
  expect((await registry.send('GET', url, undefined, { as })).status).toBe(200)
  expect((await registry.send('GET', '/registry/upgrade-paths', undefined, { as })).status).toBe(200)
  const made = await registry.send('POST', '/registry/upgrade-paths', between(1, 2), { as })
  expect(made).toMatchObject(problem(403, 'forbidden'))
})
