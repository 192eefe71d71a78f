import { afterAll, beforeAll, expect, test } from 'vitest'
import { clusterRoles } from '../../../src/infra/kubernetes/tenant-access/roles.ts'
import { testedDialect } from '../../support/tested-helm.ts'
import { ok, problem } from '../support/api.ts'
import { failure } from '../support/releases.ts'
import { openWorld, type World } from '../support/world.ts'

type Grant = { readonly id: string; readonly chartDigest: string; readonly kind: string; readonly apiGroup: string }
type Batch = {
  readonly upgraded: readonly { readonly id: string }[]
  readonly failed: readonly { readonly code: string; readonly detail: string }[]
}

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const reached = async () => (await world.cluster.client.findMetadata(clusterRoles, { name: 'reaching-out' })) !== null
const batch = async (to: string) =>
  ok(await world.api.post<Batch>(`/helm/releases/chart/reaching/batch-upgrade?targetVersion=${to}`, {}))

test("an admin's batch over a chart that reaches out is refused; with a grant it passes, another digest does not", async () => {
  const release = await world.place().installed({ chartName: 'reaching' })

  const refused = await batch('1.1.0')
  expect([refused.upgraded, refused.failed.map(({ code }) => code)]).toEqual([[], ['outside_namespace']])
  expect(refused.failed[0]?.detail).toContain('reaching-out')
  expect(await reached()).toBe(false)

  const { chartDigest } = problem(await release.upgrade({ chartVersion: '1.1.0' }), 422, 'outside_namespace')
  const wanted = { chartDigest, kind: 'ClusterRole', name: 'reaching-out', reason: 'the platform has read it' }
  const grant = ok(await world.api.post<Grant>('/grants', wanted), 201)
  expect(grant).toMatchObject({ apiGroup: 'rbac.authorization.k8s.io', namespace: null, reason: wanted.reason })
  problem(await world.api.post('/grants', wanted), 409, 'conflict')

  expect(await batch('1.1.0')).toMatchObject({ upgraded: [{ id: release.id }], failed: [] })
  expect(await reached()).toBe(true)
  expect((await batch('1.2.0')).failed.map(({ code }) => code)).toEqual(['outside_namespace'])

  // Helm takes what a rollback writes from its record, which the tenant's pods can change: nothing is made by it.
  ok(await release.upgrade({ valuesOverride: { any: 'thing' } }))
  // 3.17 sends only what differs, and here nothing does.
  if (testedDialect === 'v4') failure(await release.rollback(2), 'outside_namespace')

  ok(await release.uninstall())
  expect(await reached()).toBe(false)
  ok(await world.api.delete(`/grants/${grant.id}?reason=no+longer`), 204)
  problem(await world.api.get(`/grants/${grant.id}`), 404, 'not_found')
  const audit = ok(await world.api.get<readonly { action: string; subject: string; reason: string }[]>('/audit'))
  const told = audit.filter(({ action }) => action.startsWith('grant.')).map(({ action, reason }) => [action, reason])
  expect(told).toEqual([
    ['grant.revoked', 'no longer'],
    ['grant.created', wanted.reason],
  ])
})

test('a grant that is taken back lets the chart neither change nor remove what it made', async () => {
  const release = await world.place().installed({ chartName: 'reaching' })
  const { chartDigest } = problem(await release.upgrade({ chartVersion: '1.1.0' }), 422, 'outside_namespace')
  const wanted = { chartDigest, kind: 'ClusterRole', name: 'reaching-out' }
  const grant = ok(await world.api.post<Grant>('/grants', wanted), 201)
  ok(await release.upgrade({ chartVersion: '1.1.0' }))
  ok(await world.api.delete(`/grants/${grant.id}`), 204)
  problem(await release.upgrade({ valuesOverride: { any: 'thing' } }), 422, 'outside_namespace')
  failure(await release.uninstall(), 'outside_namespace')
  expect(await reached()).toBe(true)
  const again = ok(await world.api.post<Grant>('/grants', wanted), 201)
  ok(await release.uninstall())
  expect(await reached()).toBe(false)
  ok(await world.api.delete(`/grants/${again.id}`), 204)
})
