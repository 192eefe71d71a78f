import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { listEvents } from '../../../src/infra/events/events.ts'
import { openRegistry, problem, type Registry, type Row } from './support.ts'

let registry: Registry
let component: Row
let url: string
beforeEach(async () => {
  registry = await openRegistry()
  component = await registry.component('query')
  url = `/registry/components/${component.id}/versions`
})
afterEach(() => registry.close())

const unknown = '99999999-0000-4000-8000-000000000000'
const list = async (query = '') => (await registry.send<Row[]>('GET', `${url}${query}`)).body
const numbers = async (query = '') => (await list(query)).map(({ version }) => version)
const recommended = async () => (await list('?sort=version')).filter((row) => row.recommended).map((row) => row.version)

const complete = {
  version: '2.1.0-rc.1+build.5',
  status: 'BETA',
  description: 'The next one',
  releaseNotes: 'Much',
  releaseDate: '2026-01-31',
  endOfSupportDate: '2027-01-31',
  endOfLifeDate: '2028-02-29',
  dockerImage: 'matih/query-engine:v2.1.0',
  helmChartVersion: '1.3.0',
  minPlatformVersion: '1.28',
  maxPlatformVersion: '1.35',
  lts: true,
  recommended: true,
  dependencies: { kafka: '>=3.6.0 <4', postgresql: '^16.0.0' },
}

test('a version is added, read and listed', async () => {
  const made = await registry.send('POST', url, complete)
  expect(made.status).toBe(201)
  expect(made.body).toMatchObject({ ...complete, componentId: component.id })
  expect(made.headers.location).toBe(`/api/v1${url}/${made.body.id}`)
  expect((await registry.send('GET', `${url}/${made.body.id}`, undefined, { as: 'viewer' })).body).toEqual(made.body)
  expect(await list()).toEqual([made.body])
})

test('its number is enough: the chart has the same, and it is in development', async () => {
  const { body } = await registry.send('POST', url, { version: '1.0.0' })
  expect(body).toMatchObject({
    status: 'DEVELOPMENT',
    helmChartVersion: '1.0.0',
    lts: false,
    recommended: false,
    dependencies: {},
    releaseDate: null,
    minPlatformVersion: null,
  })
})

test('of a moment the day in UTC is kept', async () => {
  const { body } = await registry.send('POST', url, { version: '1.0.0', releaseDate: '2026-01-01T01:00:00+02:00' })
  expect(body.releaseDate).toBe('2025-12-31')
})

const wrong: readonly (readonly [string, object, string])[] = [
  ['an unknown status', { status: 'OLD' }, '/status'],
  ['a day that is none', { releaseDate: '2026-02-30' }, '/releaseDate'],
  ['the year 0', { endOfLifeDate: '0000-01-01' }, '/endOfLifeDate'],
  ['a chart version that is none', { helmChartVersion: 'newest' }, '/helmChartVersion'],
  ['a platform that is no version', { minPlatformVersion: 'new' }, '/minPlatformVersion'],
  ['an end of life before the release', { releaseDate: '2026-05-01', endOfLifeDate: '2026-04-30' }, '/endOfLifeDate'],
  ['an end of support before it', { releaseDate: '2029-05-01', endOfSupportDate: '2029-04-30' }, '/endOfSupportDate'],
  ['an end of life before that', { endOfSupportDate: '2029-05-01', endOfLifeDate: '2029-04-30' }, '/endOfLifeDate'],
  ['platforms in no order', { minPlatformVersion: '1.10', maxPlatformVersion: '1.9' }, '/maxPlatformVersion'],
  ['a dependency on no range', { dependencies: { kafka: 'new' } }, '/dependencies/kafka'],
  ['an image with a space', { dockerImage: 'a b' }, '/dockerImage'],
  ['recommended as text', { recommended: 'yes' }, '/recommended'],
  ['an unknown field', { helmChart: 'x' }, '/helmChart'],
]
test.each<(typeof wrong)[number]>([
  ...wrong,
  ['no number', { version: undefined }, '/version'],
  ['a number that is short', { version: '1.0' }, '/version'],
  ['a number with a zero before it', { version: '01.0.0' }, '/version'],
  ['a number with a letter before it', { version: 'v1.0.0' }, '/version'],
])('with %s it is refused', async (_, change, pointer) => {
  const answer = await registry.send('POST', url, { version: '1.0.0', ...change })
  expect(answer).toMatchObject(problem(400, 'malformed', pointer))
  expect(await list()).toEqual([])
})

test('a number is given once in a component, and again in another', async () => {
  await registry.versions(component, '1.0.0')
  expect(await registry.send('POST', url, { version: '1.0.0' })).toMatchObject(problem(409, 'conflict', '/version'))
  await registry.versions(await registry.component('other'), '1.0.0')
})

test('an unknown component has no versions, and another has not these', async () => {
  const [version] = await registry.versions(component, '1.0.0')
  const other = await registry.component('other')
  const missing = problem(404, 'not_found')
  expect(await registry.send('POST', `/registry/components/${unknown}/versions`, { version: '1.0.0' })).toMatchObject(
    missing,
  )
  expect(await registry.send('GET', `/registry/components/${unknown}/versions`)).toMatchObject(missing)
  for (const at of [`/registry/components/${other.id}/versions/${version?.id}`, `${url}/${unknown}`]) {
    expect(await registry.send('GET', at)).toMatchObject(missing)
    expect(await registry.send('PATCH', at, { lts: true })).toMatchObject(missing)
  }
})

describe('a change', () => {
  test('changes what is given, clears what is null, and leaves the rest', async () => {
    const [before] = await registry.versions(component, complete)
    const at = `${url}/${before?.id}`
    const patch = {
      status: 'STABLE',
      description: null,
      releaseDate: null,
      maxPlatformVersion: null,
      helmChartVersion: null,
    }
    const { body: after } = await registry.send('PATCH', at, patch)
    expect(after).toEqual({ ...before, ...patch, helmChartVersion: complete.version, updatedAt: expect.any(String) })
    expect((await registry.send('GET', at)).body).toEqual(after)
  })

  test.each<(typeof wrong)[number]>([
    ...wrong.filter(([, change]) => !('maxPlatformVersion' in change)),
    ['nothing', {}, ''],
    ['another number', { version: '3.0.0' }, '/version'],
    ['a status of null', { status: null }, '/status'],
    ['a platform below the other end', { maxPlatformVersion: '1.27.9' }, '/maxPlatformVersion'],
    ['no dependencies by null', { dependencies: null }, '/dependencies'],
    ['a release after the end of life that is known', { releaseDate: '2999-01-01' }, '/releaseDate'],
  ])('with %s is refused', async (_, patch, pointer) => {
    const [before] = await registry.versions(component, complete)
    expect(await registry.send('PATCH', `${url}/${before?.id}`, patch)).toMatchObject(
      problem(400, 'malformed', pointer),
    )
    expect(await list()).toEqual([before])
  })
})

describe('recommended', () => {
  test('is one version of a component: another takes it over', async () => {
    const [first, second] = await registry.versions(component, { version: '1.0.0', recommended: true }, '1.1.0')
    expect(await recommended()).toEqual(['1.0.0'])
    await registry.versions(component, { version: '1.2.0', recommended: true })
    expect(await recommended()).toEqual(['1.2.0'])
    await registry.send('PATCH', `${url}/${second?.id}`, { recommended: true })
    expect(await recommended()).toEqual(['1.1.0'])
    await registry.send('PATCH', `${url}/${second?.id}`, { recommended: false })
    expect(await recommended()).toEqual([])
    await registry.versions(await registry.component('other'), { version: '1.0.0', recommended: true })
    const events = await listEvents(registry.database.db, { kind: 'component', id: component.id })
    const moves = events.filter(({ type, data }) => type === 'registry.version.updated' && data.versionId === first?.id)
    expect(moves.map(({ data }) => [data.changed, data.recommended])).toEqual([[['recommended'], false]])
  })

  test('stays one version when all are recommended at the same moment', async () => {
    const all = await registry.versions(component, '1.0.0', '1.1.0', '1.2.0', '1.3.0')
    const answers = await Promise.all(
      all.map(({ id }) => registry.send('PATCH', `${url}/${id}`, { recommended: true })),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(await recommended()).toHaveLength(1)
    const events = await listEvents(registry.database.db, { kind: 'component', id: component.id })
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
  })

  test('is kept to one by the database', async () => {
    await registry.versions(component, '1.0.0', '1.1.0')
    await expect(sql`update component_versions set recommended = true`.execute(registry.database.db)).rejects.toThrow(
      'component_versions_recommended',
    )
  })
})

describe('lists', () => {
  beforeEach(async () => {
    await registry.versions(
      component,
      '1.9.0',
      '1.10.0',
      { version: '2.0.0-rc.1', description: 'soon' },
      '1.2.0',
      '2.0.0',
    )
  })

  test.each([
    ['', ['2.0.0', '1.2.0', '2.0.0-rc.1', '1.10.0', '1.9.0']],
    ['?sort=version', ['1.2.0', '1.9.0', '1.10.0', '2.0.0-rc.1', '2.0.0']],
    ['?sort=-version&status=STABLE', ['2.0.0', '1.10.0', '1.9.0', '1.2.0']],
    ['?q=SOON', ['2.0.0-rc.1']],
    ['?q=1.1', ['1.10.0']],
    ['?status=BETA', []],
  ])('of %s', async (query, expected) => {
    const answer = await registry.send<Row[]>('GET', `${url}${query}`)
    expect(answer.body.map(({ version }) => version)).toEqual(expected)
    expect(answer.headers['x-total-count']).toBe(String(expected.length))
  })

  test.each(['', '&sort=version', '&sort=-version', '&sort=createdAt'])('page by page%s', async (sort) => {
    const seen: unknown[] = []
    for (let at: string | undefined = `${url}?limit=2${sort}`; at !== undefined; ) {
      const page: { body: Row[]; headers: Record<string, unknown> } = await registry.send<Row[]>('GET', at)
      seen.push(...page.body.map(({ version }) => version))
      at = /^<([^>]+)>; rel="next"$/.exec(String(page.headers.link))?.[1]
    }
    expect(seen).toEqual(await numbers(sort.replace('&', '?')))
  })
})
