import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Api, expectStatus, type Problem } from '../fleet/api.ts'
import { openWorld, tenants, type World } from '../fleet/world.ts'
import { expectToldAsPublished } from '../support/told.ts'

type Made = { readonly id: string; readonly [field: string]: unknown }
type Verdict = {
  readonly valid: boolean
  readonly blockers: readonly { readonly code: string; readonly installed?: readonly string[] }[]
  readonly warnings: readonly { readonly code: string }[]
  readonly path: readonly Made[]
}

let world: World
let viewerOfA: Api
let small: Made
let versions: readonly Made[]

/** Given: `small` in three versions; the newest needs `other` from 1.1.0 and a platform up to 1.30. */
beforeAll(async () => {
  world = await openWorld({ PLATFORM_VERSION: '1.31.0' })
  viewerOfA = await world.caller('viewer', ['a'])
  await make('/components', { name: 'other', category: 'STORE', chartName: 'other' })
  small = await make('/components', { name: 'small', category: 'QUERY_ENGINE', chartName: 'small' })
  const needs = { dependencies: { other: '>=1.1.0' }, maxPlatformVersion: '1.30' }
  const add = (body: object) => make(`/components/${small.id}/versions`, { status: 'STABLE', ...body })
  versions = [
    await add({ version: '1.2.0' }),
    await add({ version: '1.9.0' }),
    await add({ version: '1.10.0', ...needs }),
  ]
  await edge(0, 1, { tested: true })
  await edge(1, 2)
})
afterAll(() => world?.stop())

const make = async (path: string, body: object, headers = {}): Promise<Made> =>
  expectStatus(await world.admin.post<Made>(`/registry${path}`, body, headers), 201)
const edge = (from: number, to: number, more: object = {}) =>
  make('/upgrade-paths', { fromVersionId: versions[from]?.id, toVersionId: versions[to]?.id, ...more })
const ask = async (from: number, to: number, more: object = {}, as = viewerOfA) => {
  const ends = { componentId: small.id, fromVersionId: versions[from]?.id, toVersionId: versions[to]?.id }
  return expectStatus(await as.post<Verdict>('/registry/upgrade-paths/validate', { ...ends, ...more }), 200)
}
const codes = (told: readonly { readonly code: string }[]) => told.map(({ code }) => code)

test('a tenant is judged by what its releases run, as it changes', async () => {
  const other = { chartName: 'other' }
  const blockers = async () => (await ask(1, 2, { tenantId: tenants.a, installedComponents: {} })).blockers
  expect(codes(await blockers())).toEqual(['PLATFORM_VERSION', 'DEPENDENCY_MISSING'])
  const stuck = { ...other, chartVersion: '1.0.0', valuesOverride: { stuckAt: '1.0.0' }, timeout: 5 }
  const place = { tenantId: tenants.a, namespace: 'tenant-a' }
  expectStatus(await world.admin.post('/helm/releases', { ...place, ...stuck, releaseName: 'never' }), 422)
  expect(codes(await blockers())).toEqual(['PLATFORM_VERSION', 'DEPENDENCY_MISSING'])
  const { id } = await world.install('a', 'other', '1.0.0', other)
  await world.install('b', 'other', '1.0.0', other)
  expect((await blockers())[1]).toMatchObject({ code: 'DEPENDENCY_OUT_OF_RANGE', installed: ['1.0.0'] })
  const given = await ask(1, 2, { tenantId: tenants.a, installedComponents: { other: '1.1' } })
  expect(codes(given.blockers)).toEqual(['PLATFORM_VERSION'])
  expectStatus(await world.admin.send('DELETE', `/helm/releases/${id}`), 200)
  expect(codes(await blockers())).toEqual(['PLATFORM_VERSION', 'DEPENDENCY_MISSING'])
})

test('routes go over every edge; the several steps of the best one are a warning', async () => {
  const path = `/registry/components/${small.id}/upgrade-paths?from=${versions[0]?.id}&to=${versions[2]?.id}`
  const answer = await viewerOfA.get<readonly { versions: readonly string[] }[]>(path)
  expect(expectStatus(answer, 200).map((route) => route.versions)).toEqual([['1.2.0', '1.9.0', '1.10.0']])
  expect(answer.headers.get('x-total-count')).toBe('1')
  expect(codes((await ask(0, 2)).warnings)).toEqual(['UNTESTED_PATH', 'SEVERAL_HOPS'])
  await edge(0, 2, { tested: true })
  const { warnings, path: steps } = await ask(0, 2)
  expect([codes(warnings), steps.length]).toEqual([[], 1])
})

test('a caller learns nothing of a tenant that is not theirs, and of the registry everything', async () => {
  const body = { componentId: small.id, fromVersionId: versions[0]?.id, toVersionId: versions[1]?.id }
  const foreign = await viewerOfA.post<Problem>('/registry/upgrade-paths/validate', { ...body, tenantId: tenants.b })
  expect([foreign.status, foreign.body.code]).toEqual([404, 'not_found'])
  expect(expectStatus(await viewerOfA.get<Made[]>('/registry/components'), 200)).toHaveLength(2)
  const me = expectStatus(await viewerOfA.get<{ commands: readonly string[] }>('/me'), 200)
  expect(me.commands.filter((command) => command.startsWith('registry.'))).toEqual([
    'registry.read',
    'registry.validate',
  ])
})

test('what was answered is there after a crash, and a repeated request changes nothing', async () => {
  const wanted = { name: 'kept', category: 'STORE', chartName: 'kept' }
  const key = { 'idempotency-key': 'kept-1' }
  const made = await make('/components', wanted, key)
  await world.crash()
  expect(await make('/components', wanted, key)).toEqual(made)
  expect(expectStatus(await world.admin.get<Made>(`/registry/components/${made.id}`), 200)).toEqual(made)
  const renamed = await world.admin.send<Made>('PATCH', `/registry/components/${made.id}`, { name: 'changed' })
  expect(expectStatus(renamed, 200)).toMatchObject({ name: 'changed', chartName: 'kept' })
})

test('all of this was told as docs/events says', () => expectToldAsPublished(world.admin))
