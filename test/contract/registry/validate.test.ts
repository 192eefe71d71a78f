import { afterEach, describe, expect, test } from 'vitest'
import { installedComponents } from '../../../src/registry/commands/installed.ts'
import { registryPort } from '../../../src/registry/index.ts'
import { openRegistry, problem, type Registry, type Row } from './support.ts'

let registry: Registry
afterEach(() => registry.close())

type Code = { readonly code: string; readonly message: string }
type Verdict = { valid: boolean; blockers: Code[]; warnings: Code[]; path: Row[] }
type World = { readonly component: Row; readonly from: Row; readonly to: Row }

/** Given two versions with a tested edge between them, the newer one as told. */
async function given(to: object = {}, platformVersion: string | null = null): Promise<World> {
  registry = await openRegistry(platformVersion)
  const component = await registry.component('query')
  const [from, target] = await registry.versions(component, '1.0.0', { version: '1.1.0', status: 'STABLE', ...to })
  if (from === undefined || target === undefined) throw new Error('there are no versions')
  await registry.edge(from, target, { tested: true })
  return { component, from, to: target }
}

const asked = ({ component, from, to }: World, more: object = {}) => ({
  componentId: component.id,
  fromVersionId: from.id,
  toVersionId: to.id,
  ...more,
})
const ask = (world: World, more: object = {}, as: 'admin' | 'operator' | 'viewer' = 'admin') =>
  registry.send<Verdict>('POST', '/registry/upgrade-paths/validate', asked(world, more), { as })
const codes = async (world: World, more: object = {}) => {
  const { body } = await ask(world, more)
  expect(body.valid).toBe(body.blockers.length === 0)
  return [...body.blockers, ...body.warnings].map(({ code }) => code)
}
const tenant = async (platformVersion?: string) =>
  (
    await registry.send('POST', '/tenants', {
      name: 'acme',
      ...(platformVersion === undefined ? {} : { platformVersion }),
    })
  ).body.id

test('one tested step is valid, and the answer holds it', async () => {
  const world = await given()
  expect(await ask(world, {}, 'viewer')).toMatchObject({
    status: 200,
    body: { valid: true, blockers: [], warnings: [], path: [{ fromVersion: '1.0.0', toVersion: '1.1.0' }] },
  })
})

test('what blocks and what warns is told, and the best route is taken', async () => {
  const world = await given({ status: 'DEPRECATED' })
  const [middle, last, lonely] = await registry.versions(world.component, '1.2.0', '2.0.0', '3.0.0')
  await registry.edge(world.to, middle, { tested: true })
  await registry.edge(middle, last, { requiresDowntime: true })
  expect(await codes(world)).toEqual(['TARGET_DEPRECATED'])
  const far = await ask(world, { toVersionId: last?.id })
  expect(far.body).toMatchObject({
    valid: true,
    warnings: [
      { code: 'UNTESTED_PATH', message: 'Not tested: 1.2.0 → 2.0.0' },
      { code: 'DOWNTIME' },
      { code: 'SEVERAL_HOPS', message: expect.stringContaining('1.0.0 → 1.1.0 → 1.2.0 → 2.0.0') },
      { code: 'HIGH_RISK' },
    ],
    path: [{ toVersion: '1.1.0' }, { toVersion: '1.2.0' }, { toVersion: '2.0.0' }],
  })
  expect((await ask(world, { toVersionId: lonely?.id })).body).toMatchObject({
    valid: false,
    blockers: [{ code: 'NO_ROUTE' }],
    path: [],
  })
  expect(await codes(world, { fromVersionId: last?.id, toVersionId: middle?.id })).toEqual(['DOWNGRADE'])
})

test('the end of life blocks', async () => {
  expect(await codes(await given({ status: 'END_OF_LIFE' }))).toEqual(['TARGET_END_OF_LIFE'])
})

describe('the platform', () => {
  test("is the tenant's, else that of PLATFORM_VERSION", async () => {
    const world = await given({ minPlatformVersion: '1.30', maxPlatformVersion: '1.31' }, '1.29.0')
    const [newer, silent] = [await tenant('1.31.0'), await tenant()]
    expect(await codes(world)).toEqual(['PLATFORM_VERSION'])
    expect(await codes(world, { tenantId: silent })).toEqual(['PLATFORM_VERSION'])
    expect(await codes(world, { tenantId: newer })).toEqual([])
    expect(await codes(world, { tenantId: await tenant('1.31.1') })).toEqual(['PLATFORM_VERSION'])
  })

  test('is a warning where nobody knows it and the target asks for one', async () => {
    expect(await codes(await given({ maxPlatformVersion: '1.31' }))).toEqual(['UNKNOWN_PLATFORM_VERSION'])
  })

  test('is not known where it cannot be read', async () => {
    const world = await given({ maxPlatformVersion: '1.31' })
    const tenantId = await tenant(`${'9'.repeat(20)}.0.0`)
    expect(await codes(world, { tenantId })).toEqual(['UNKNOWN_PLATFORM_VERSION'])
  })
})

describe('dependencies', () => {
  const needs = { dependencies: { kafka: '>=3.6', postgresql: '^16.0.0' } }

  test('are met by what is given', async () => {
    const world = await given(needs)
    const installedComponents = { kafka: '3.6.0', postgresql: '16.1', constructor: '1' }
    expect(await codes(world, { installedComponents })).toEqual([])
    expect(await codes(world, { installedComponents: { kafka: '3.5' } })).toEqual([
      'DEPENDENCY_OUT_OF_RANGE',
      'DEPENDENCY_MISSING',
    ])
    expect(await codes(world)).toEqual(['DEPENDENCY_MISSING', 'DEPENDENCY_MISSING'])
  })

  test('are met by what the tenant runs; what is given overrides it', async () => {
    const world = await given(needs)
    const kafka = await registry.component('kafka', { chartName: 'strimzi' })
    await registry.versions(kafka, { version: '3.6.2', helmChartVersion: '0.45.0' })
    await registry.component('postgresql', { chartName: 'pg' })
    const tenantId = String(await tenant())
    registry.runs.set(tenantId, [
      { chartName: 'strimzi', chartVersion: '0.45.0' },
      { chartName: 'pg', chartVersion: '16.4.0' },
      { chartName: 'unheard-of', chartVersion: '1.0.0' },
    ])
    expect(await codes(world, { tenantId })).toEqual([])
    expect(await codes(world, { tenantId, installedComponents: { postgresql: '15' } })).toEqual([
      'DEPENDENCY_OUT_OF_RANGE',
    ])
    registry.runs.set(tenantId, [
      { chartName: 'strimzi', chartVersion: '0.44.0' },
      { chartName: 'pg', chartVersion: '16.4.0' },
      { chartName: 'pg', chartVersion: '15.0.0' },
    ])
    const { body } = await ask(world, { tenantId })
    expect(body.blockers).toEqual([
      expect.objectContaining({ component: 'kafka', installed: ['0.44.0'] }),
      expect.objectContaining({ component: 'postgresql', required: '^16.0.0', installed: ['16.4.0', '15.0.0'] }),
    ])
    const installed = await installedComponents(registry.deps, registry.database.db, tenantId)
    expect(installed.map(({ component, chartVersions }) => [component.name, chartVersions])).toEqual([
      ['kafka', ['0.44.0']],
      ['postgresql', ['16.4.0', '15.0.0']],
    ])
  })
})

test.each<[string, object, string]>([
  ['no component', { componentId: undefined }, '/componentId'],
  ['a version in place of an id', { toVersionId: '1.1.0' }, '/toVersionId'],
  ['a version that cannot be read', { installedComponents: { kafka: 'latest' } }, '/installedComponents/kafka'],
  ['a version as a number', { installedComponents: { kafka: 3.6 } }, '/installedComponents/kafka'],
  ['components as a list', { installedComponents: ['kafka'] }, '/installedComponents'],
  ['an unknown field', { platformVersion: '1' }, '/platformVersion'],
])('%s is refused', async (_, change, pointer) => {
  expect(await ask(await given(), change)).toMatchObject(problem(400, 'malformed', pointer))
})

test('there are two versions, of the component, and a tenant that the caller sees', async () => {
  const world = await given()
  const unknown = '99999999-0000-4000-8000-000000000000'
  const other = await registry.component('other')
  expect(await ask(world, { toVersionId: world.from.id })).toMatchObject(problem(400, 'malformed', '/toVersionId'))
  for (const change of [
    { componentId: unknown },
    { toVersionId: unknown },
    { componentId: other.id },
    { tenantId: unknown },
  ])
    expect(await ask(world, change)).toMatchObject(problem(404, 'not_found'))
  expect(await ask(world, { tenantId: await tenant() }, 'operator')).toMatchObject(problem(404, 'not_found'))
})

test('the port answers what the upgrades ask', async () => {
  const world = await given()
  const { db } = registry.database
  const port = registryPort(registry.deps)
  expect(await port.component(db, world.component.id)).toMatchObject({ name: 'query' })
  expect(await port.version(db, world.component.id, world.to.id)).toMatchObject({ version: '1.1.0' })
  const ids = { componentId: world.component.id, fromVersionId: world.from.id, toVersionId: world.to.id }
  const verdict = await port.validatePath(db, { ...ids, tenantId: null, installedComponents: {} })
  expect(verdict.valid).toBe(true)
})
