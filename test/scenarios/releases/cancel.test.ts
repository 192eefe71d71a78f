import { afterAll, beforeAll, expect, test } from 'vitest'
import { ok, problem } from '../support/api.ts'
import { heldHook } from '../support/cluster-view.ts'
import { eventually } from '../support/eventually.ts'
import { failure, type Operation, type Release } from '../support/releases.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const slowHook = { hook: heldHook }
const respondAsync = { prefer: 'respond-async' }

/** Until helm has written its record: the act runs. */
function applying(namespace: string, status: string) {
  return eventually(`helm is ${status}`, async () => {
    return (await world.cluster.newest(namespace, 'app')).info.status === status
  })
}

test.concurrent('Prefer: respond-async is 202 with an operation to poll', async () => {
  const place = world.place()
  const answer = await world.api.post<{ operationId: string }>('/helm/releases', place.request(), respondAsync)
  const { operationId } = ok(answer, 202)
  expect(answer.headers.get('location')).toBe(`/api/v1/operations/${operationId}`)
  const path = `/operations/${operationId}`
  const ended = await eventually('ended', async () => {
    const operation = ok(await world.api.get<Operation>(path))
    return operation.endedAt === null ? null : operation
  })
  expect(ended).toMatchObject({ id: operationId, kind: 'install', status: 'SUCCEEDED', error: null })
  expect(ok(await world.api.get<Release>(`/helm/releases/${ended.releaseId}`))).toMatchObject({ status: 'DEPLOYED' })
  const listed = ok(await world.api.get<readonly Operation[]>(`/operations?releaseId=${ended.releaseId}`))
  expect(listed).toMatchObject([{ id: operationId }])
  problem(await world.api.get(`/operations/${place.tenantId}`), 404, 'not_found')
})

test.concurrent('a client that disconnects changes nothing', async () => {
  const place = world.place()
  const leaving = new AbortController()
  const body = place.request({ chartName: 'hooked', valuesOverride: { hook: heldHook } })
  const asked = world.api.ask('POST', '/helm/releases', { body, signal: leaving.signal })
  await eventually('accepted', async () => (await place.list()).length === 1)
  leaving.abort()
  await expect(asked).rejects.toThrow()
  await world.cluster.endHook(place.namespace)
  await eventually('deployed', async () => (await place.list())[0]?.status === 'DEPLOYED')
})

test.concurrent('a running install ends FAILED with cancelled, also for the caller who waits', async () => {
  const place = world.place()
  const waiter = place.install({ chartName: 'hooked', valuesOverride: slowHook })
  await applying(place.namespace, 'pending-install')
  const [running] = await place.list()
  expect(running).toMatchObject({ status: 'PENDING_INSTALL', currentOperationId: expect.any(String) })
  ok(await world.api.post(`/operations/${running?.currentOperationId}/cancel`, {}), 202)
  const failed = failure(await waiter, 'cancelled')
  expect(failed.release).toMatchObject({ status: 'FAILED', revision: 1, currentOperationId: null })
  expect((await world.cluster.newest(place.namespace, 'app')).info.status).toBe('failed')
  const release = place.handle(failed.release)
  const fast = { valuesOverride: { hook: { runMs: 100 } } }
  expect(ok(await release.upgrade(fast))).toMatchObject({ status: 'DEPLOYED', revision: 2 })
})

test.concurrent('a running upgrade ends FAILED with cancelled, and what is stored stays', async () => {
  const release = await world.place().installed({ chartName: 'hooked' })
  const operation = await release.begin('POST', '/upgrade', { chartVersion: '1.1.0', valuesOverride: slowHook })
  await applying(release.namespace, 'pending-upgrade')
  expect(ok(await operation.cancel(), 202)).toMatchObject({ status: 'RUNNING' })
  expect(await operation.ended()).toMatchObject({ status: 'FAILED', error: { code: 'cancelled' } })
  const after = await release.read()
  expect(after).toMatchObject({ status: 'FAILED', chartVersion: '1.0.0', attemptedChartVersion: '1.1.0' })
  expect(after.valuesOverride).toEqual({})
  expect(await release.verdicts()).toEqual(['2 FAILED', '1 DEPLOYED'])
  expect((await world.cluster.newest(release.namespace, release.name)).info.status).toBe('failed')
  problem(await operation.cancel(), 409, 'not_cancellable')
})

test.concurrent('a wait ends FAILED with cancelled', async () => {
  const release = await world.place().installed({ chartName: 'workload' })
  const broken = { valuesOverride: { image: { tag: 'never-ready' } } }
  const operation = await release.begin('POST', '/upgrade', broken)
  const waiting = await release.until('waits', ({ waitingFor }) => (waitingFor?.detail ?? '').includes('app'))
  expect(waiting).toMatchObject({ status: 'PENDING_UPGRADE', waitingFor: { reason: 'WORKLOADS_NOT_READY' } })
  ok(await operation.cancel(), 202)
  expect(await operation.ended()).toMatchObject({ status: 'FAILED', error: { code: 'cancelled' } })
  expect((await world.cluster.newest(release.namespace, release.name)).info.status).toBe('failed')
  expect(ok(await release.rollback(1))).toMatchObject({ status: 'DEPLOYED' })
})

test.concurrent('an atomic upgrade that is cancelled goes back', async () => {
  const release = await world.place().installed({ chartName: 'workload' })
  const broken = { valuesOverride: { image: { tag: 'never-ready' } }, atomic: true }
  const operation = await release.begin('POST', '/upgrade', broken)
  await release.until('waits', ({ waitingFor }) => (waitingFor?.detail ?? '').includes('app'))
  ok(await operation.cancel(), 202)
  expect(await operation.ended()).toMatchObject({ status: 'FAILED', error: { code: 'cancelled' } })
  expect(await release.read()).toMatchObject({ status: 'DEPLOYED', revision: 3 })
  expect(await release.verdicts()).toEqual(['3 DEPLOYED', '2 FAILED', '1 DEPLOYED'])
})

test.concurrent("helm's rollback is not interruptible", async () => {
  const slow = { hook: { ...heldHook, events: 'pre-rollback' } }
  const release = await world.place().installed({ chartName: 'hooked', valuesOverride: slow })
  ok(await release.upgrade({ valuesOverride: { color: 'blue' } }))
  const operation = await release.begin('POST', '/rollback', { targetRevision: 1 })
  await applying(release.namespace, 'pending-rollback')
  expect(await release.read()).toMatchObject({ status: 'PENDING_ROLLBACK' })
  problem(await operation.cancel(), 409, 'not_cancellable')
  expect(await operation.read()).toMatchObject({ status: 'RUNNING' })
  await world.cluster.endHook(release.namespace)
  expect(await operation.ended()).toMatchObject({ status: 'SUCCEEDED' })
  expect(await release.read()).toMatchObject({ status: 'DEPLOYED', revision: 3 })
})

test.concurrent("helm's uninstall is not interruptible", async () => {
  const slow = { hook: { ...heldHook, events: 'pre-delete' } }
  const release = await world.place().installed({ chartName: 'hooked', valuesOverride: slow })
  const operation = await release.begin('DELETE', '?reason=over')
  await applying(release.namespace, 'uninstalling')
  problem(await operation.cancel(), 409, 'not_cancellable')
  expect(await operation.read()).toMatchObject({ status: 'RUNNING' })
  await world.cluster.endHook(release.namespace)
  expect(await operation.ended()).toMatchObject({ status: 'SUCCEEDED', reason: 'over' })
  expect(await release.read()).toMatchObject({ status: 'UNINSTALLED' })
})
