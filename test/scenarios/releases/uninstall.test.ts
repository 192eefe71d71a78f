import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resources } from '../../../src/infra/kubernetes/index.ts'
import { ok, problem } from '../support/api.ts'
import { failure, type ReleaseHandle } from '../support/releases.ts'
import { openWorld, type Place, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

test.concurrent('UNINSTALLED means that the objects are gone; record, history and reason stay', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'workload' })
  ok(await release.upgrade({ chartVersion: '1.1.0' }))
  const gone = ok(await release.uninstall({ reason: 'moved elsewhere' }))
  expect(gone).toMatchObject({ id: release.id, status: 'UNINSTALLED', chartVersion: '1.1.0', leftovers: [] })
  expect(await world.cluster.names(place.namespace, resources.deployments)).toEqual([])
  expect(await world.cluster.pods(place.namespace)).toEqual([])
  expect(await world.cluster.records(place.namespace, 'app')).toEqual([])
  expect(await release.read()).toMatchObject({ status: 'UNINSTALLED' })
  expect(await release.verdicts()).toEqual(['2 UNINSTALLED', '1 DEPLOYED'])
  expect(ok(await release.revision(1))).toMatchObject({ chartVersion: '1.0.0' })
  const operations = ok(await world.api.get<readonly { releaseId: string; reason: string | null }[]>('/operations'))
  const reasons = operations.filter(({ releaseId }) => releaseId === release.id).map(({ reason }) => reason)
  expect(reasons).toContain('moved elsewhere')
})

test.concurrent('again is 409, and so is every command; the name is free for a new id', async () => {
  const place = world.place()
  const release = await place.installed()
  ok(await release.uninstall())
  problem(await release.uninstall(), 409, 'wrong_status')
  problem(await release.upgrade({ chartVersion: '1.1.0' }), 409, 'wrong_status')
  problem(await release.rollback(1), 409, 'wrong_status')
  expect(await place.list()).toEqual([])
  const again = await place.installed()
  expect(again.id).not.toBe(release.id)
  expect(await again.verdicts()).toEqual(['1 DEPLOYED'])
  expect(await release.read()).toMatchObject({ status: 'UNINSTALLED' })
  expect(await release.verdicts()).toEqual(['1 UNINSTALLED'])
})

test.concurrent('a reason has at most 500 characters', async () => {
  const release = await world.place().installed()
  problem(await release.uninstall({ reason: 'x'.repeat(501) }), 400, 'malformed')
  expect(ok(await release.uninstall({ reason: 'x'.repeat(500) })).status).toBe('UNINSTALLED')
})

test.concurrent('leftovers say what stays and why: kept by policy, volume claims', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'leaves' })
  const gone = ok(await release.uninstall())
  expect(gone.status).toBe('UNINSTALLED')
  const left = gone.leftovers.map(({ kind, name }) => `${kind} ${name}`).sort()
  expect(left).toEqual(['ConfigMap app-kept', 'PersistentVolumeClaim data-app-0'])
  expect(gone.leftovers.every(({ why }) => why.length > 0)).toBe(true)
  expect(await world.cluster.config(place.namespace, 'app-kept')).toEqual({ kept: 'yes' })
  expect(await world.cluster.names(place.namespace, resources.volumeClaims)).toEqual(['data-app-0'])
  expect(await world.cluster.names(place.namespace, resources.statefulSets)).toEqual([])
})

test.concurrent('what cannot go makes it FAILED and is named; then only another uninstall helps', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'stubborn' })
  const failed = failure(await release.uninstall({ timeout: '8' }), 'uninstall_incomplete')
  expect(failed.detail).toContain('ConfigMap app')
  expect(failed.release).toMatchObject({ status: 'FAILED', chartVersion: '1.0.0' })
  expect(await release.verdicts()).toEqual(['1 DEPLOYED'])
  problem(await release.upgrade({ chartVersion: '1.1.0' }), 409, 'uninstall_unfinished')
  problem(await release.rollback(1), 409, 'wrong_status')
  problem(await place.install(), 409, 'name_taken')
  await letGo(place.namespace)
  expect(ok(await release.uninstall())).toMatchObject({ status: 'UNINSTALLED' })
  expect(await world.cluster.config(place.namespace, 'app')).toBeNull()
})

test.concurrent('while its objects go the status stays, and it ends when the last one went', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'stubborn' })
  const operation = await release.begin('DELETE', '')
  const waiting = await release.until('waits for its objects', ({ waitingFor }) =>
    (waitingFor?.detail ?? '').includes('ConfigMap'),
  )
  expect(waiting).toMatchObject({ status: 'DEPLOYED', waitingFor: { reason: 'UNINSTALLING' } })
  problem(await release.uninstall(), 409, 'operation_in_progress')
  await letGo(place.namespace)
  expect(await operation.ended()).toMatchObject({ status: 'SUCCEEDED' })
  expect(await release.read()).toMatchObject({ status: 'UNINSTALLED' })
})

test.concurrent('UNINSTALLED means that its pods have stopped too', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'workload' })
  await stopsIn(place.namespace, 15_000)
  const operation = await release.begin('DELETE', '')
  const waiting = await release.until('waits for its pods', ({ waitingFor }) =>
    (waitingFor?.detail ?? '').includes('Pod app-'),
  )
  expect(waiting).toMatchObject({ status: 'DEPLOYED', waitingFor: { reason: 'UNINSTALLING' } })
  expect(waiting.waitingFor?.detail).toMatch(/Pod app-\S+: it is stopping, until \S+Z at the latest/)
  expect(await operation.ended()).toMatchObject({ status: 'SUCCEEDED' })
  expect(await world.cluster.names(place.namespace, resources.pods)).toEqual([])
  expect(await release.read()).toMatchObject({ status: 'UNINSTALLED', leftovers: [] })
})

test.concurrent('pods that are still within their grace period when the time is over are told, and are no failure', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'workload' })
  await stopsIn(place.namespace, 60_000)
  const gone = ok(await release.uninstall({ timeout: '12' }))
  const names = await world.cluster.names(place.namespace, resources.pods)
  expect(gone.status).toBe('UNINSTALLED')
  expect(gone.leftovers.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual(
    names.map((name) => `Pod ${name}`).sort(),
  )
  expect(gone.leftovers[0]?.why).toMatch(/^it is stopping, until \S+Z at the latest$/)
})

test.concurrent('a pod that something holds is no pod that is stopping: FAILED names it, and it ends when that lets go', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'workload' })
  const [pod] = await world.cluster.pods(place.namespace)
  const name = pod?.metadata.name ?? ''
  const held = (finalizers: readonly string[] | null) =>
    world.cluster.client.patch(
      resources.pods,
      { namespace: place.namespace, name },
      { type: 'merge', body: { metadata: { finalizers } } },
    )
  await held(['example.com/hold'])
  const failed = failure(await release.uninstall({ timeout: '6' }), 'uninstall_incomplete')
  expect(failed.detail).toContain(`Pod ${name}: held by example.com/hold`)
  expect(failed.release.status).toBe('FAILED')
  await held(null)
  const gone = await release.until('it is gone', ({ status }) => status === 'UNINSTALLED')
  expect(gone.leftovers).toEqual([])
})

/** From now on the pods of a namespace take so long to stop. */
async function stopsIn(namespace: string, ms: number): Promise<void> {
  const body = { metadata: { annotations: { 'practice.flotilla.dev/terminate-ms': String(ms) } } }
  for (const { metadata } of await world.cluster.pods(namespace))
    await world.cluster.client.patch(resources.pods, { namespace, name: metadata.name }, { type: 'merge', body })
}

test.concurrent('an uninstall whose hook fails is FAILED and its objects are still there', async () => {
  const place = world.place()
  const hook = { hook: { events: 'pre-delete', tag: 'fail' } }
  const release = await place.installed({ chartName: 'hooked', valuesOverride: hook })
  const failed = failure(await release.uninstall(), 'hook_failed')
  expect(failed.release.status).toBe('FAILED')
  expect(await world.cluster.config(place.namespace, 'app')).not.toBeNull()
  problem(await release.upgrade({ valuesOverride: { hook: { tag: '1.0' } } }), 409, 'uninstall_unfinished')
})

test.concurrent('a hook that keeps failing is left out with hooks=false: the way out of a half uninstalled release', async () => {
  const place = world.place()
  const hook = { events: 'pre-delete', tag: 'fail' }
  const release = await place.installed({ chartName: 'hooked', valuesOverride: { hook } })
  const failed = failure(await release.uninstall(), 'hook_failed')
  expect(failed.detail).toContain('hooks=false')
  failure(await release.uninstall({ hooks: 'true' }), 'hook_failed')
  const refused = problem(await release.upgrade({ valuesOverride: { color: 'blue' } }), 409, 'uninstall_unfinished')
  expect(refused.detail).toContain('hooks=false')
  problem(await release.uninstall({ hooks: 'no' }), 400, 'malformed')
  const gone = ok(await release.uninstall({ hooks: 'false', reason: 'its hook is broken' }))
  expect(gone).toMatchObject({ status: 'UNINSTALLED' })
  expect(await world.cluster.config(place.namespace, 'app')).toBeNull()
  expect(await world.cluster.records(place.namespace, 'app')).toEqual([])
  await toldWithoutHooks(release)
  expect(await (await place.installed()).read()).toMatchObject({ status: 'DEPLOYED', revision: 1 })
})

/** Who left the hooks out stands in the operation, its events and the audit log; uninstalls with hooks say nothing of it. */
async function toldWithoutHooks(release: ReleaseHandle): Promise<void> {
  const events = await release.events()
  const requested = events.filter(({ type }) => type.endsWith('uninstall.requested')).map(({ data }) => data)
  expect(requested.map((data) => 'hooks' in data)).toEqual([false, false, true])
  expect(requested.at(-1)).toMatchObject({ hooks: false })
  const { operationId } = requested.at(-1) as { operationId: string }
  const operation = ok(await world.api.get<{ result: object }>(`/operations/${operationId}`))
  expect(operation).toMatchObject({ status: 'SUCCEEDED', result: { status: 'UNINSTALLED', hooks: false } })
  const audit = ok(await world.api.get<readonly object[]>('/audit?action=release.uninstall-without-hooks'))
  expect(audit).toContainEqual(
    expect.objectContaining({ operationId, subject: `release/${release.id}`, reason: 'its hook is broken' }),
  )
}

test.concurrent('an atomic install whose own uninstall fails on a hook tells of the same way out', async () => {
  const place = world.place()
  const hook = { events: 'post-install,pre-delete', tag: 'fail' }
  const asked = { chartName: 'hooked', valuesOverride: { hook }, atomic: true }
  const failed = failure(await place.install(asked), 'rollback_failed')
  expect(failed.detail).toContain('hooks=false')
  expect(ok(await place.handle(failed.release).uninstall({ hooks: 'false' }))).toMatchObject({ status: 'UNINSTALLED' })
})

async function letGo(namespace: string): Promise<void> {
  const patch = { type: 'merge', body: { metadata: { finalizers: null } } } as const
  await world.cluster.client.patch(resources.configMaps, { namespace, name: 'app' }, patch)
}

/** An install that helm refuses before it keeps a record: its object is there already, and not its own. */
async function neverThere(place: Place): Promise<ReleaseHandle> {
  await place.installed({ releaseName: 'first' })
  const metadata = { namespace: place.namespace, name: 'app' }
  const foreign = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { owner: 'somebody' } }
  await world.cluster.client.create(resources.configMaps, foreign)
  const { release } = failure(await place.install(), 'helm_failed')
  expect(release).toMatchObject({ status: 'FAILED', revision: 0 })
  return place.handle(release)
}

test.concurrent('an install that failed before it began is uninstalled, and what is not its own stays', async () => {
  const place = world.place()
  const release = await neverThere(place)
  expect(ok(await release.uninstall())).toMatchObject({ status: 'UNINSTALLED', revision: 0, leftovers: [] })
  expect(await world.cluster.config(place.namespace, 'app')).toEqual({ owner: 'somebody' })
  expect((await world.cluster.records(place.namespace, 'first')).map(({ info }) => info.status)).toEqual(['deployed'])
  await world.cluster.client.delete(resources.configMaps, { namespace: place.namespace, name: 'app' })
  expect(await (await place.installed()).read()).toMatchObject({ status: 'DEPLOYED', revision: 1 })
})

test.concurrent('the name of an install that failed before it began is taken by hand: the release follows, and goes with it', async () => {
  const place = world.place()
  const release = await neverThere(place)
  await world.cluster.client.delete(resources.configMaps, { namespace: place.namespace, name: 'app' })
  await world.hand.helm('install', 'app', join(world.charts, 'plain', '1.1.0'), '--namespace', place.namespace)
  const followed = await release.untilStatus('DEPLOYED')
  expect(followed).toMatchObject({ revision: 1, chartVersion: '1.1.0', performedBy: 'external' })
  expect(await place.list()).toHaveLength(2)
  expect(ok(await release.uninstall())).toMatchObject({ status: 'UNINSTALLED' })
  expect(await world.cluster.records(place.namespace, 'app')).toEqual([])
  expect(await world.cluster.config(place.namespace, 'app')).toBeNull()
})
