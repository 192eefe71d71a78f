import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resources } from '../../../src/infra/kubernetes/index.ts'
import { ok, problem } from '../support/api.ts'
import { heldHook } from '../support/cluster-view.ts'
import { eventually } from '../support/eventually.ts'
import type { Release, ReleaseHandle } from '../support/releases.ts'
import { expectToldAsPublished } from '../support/told.ts'
import { openWorld, type Place, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const seconds = { withinMs: 20_000 }
const chart = (name: string, version: string) => join(world.charts, name, version)
const inside = (place: { readonly namespace: string }) => ['--namespace', place.namespace] as const

/** A helm of another hand that was killed in the middle of an upgrade. */
async function killedUpgrade(place: Place, name: string): Promise<void> {
  const values = world.hand.values({ hook: { runMs: 60_000 } })
  const helm = await world.hand.startHelm('upgrade', name, chart('hooked', '1.1.0'), ...inside(place), '-f', values)
  await eventually('the record is pending', async () => {
    return (await world.cluster.newest(place.namespace, name)).info.status === 'pending-upgrade'
  })
  helm.kill()
  await helm.ended
}

test.concurrent('helm upgrade, rollback and uninstall by hand show within seconds', async () => {
  const place = world.place()
  const release = await place.installed({ valuesOverride: { color: 'blue' } })
  const set = ['--reset-values', '--set', 'color=by-hand']
  await world.hand.helm('upgrade', 'app', chart('plain', '1.1.0'), ...inside(place), ...set)
  const upgraded = await eventually('seen', () => at(release, 2), seconds)
  expect(upgraded).toMatchObject({
    status: 'DEPLOYED',
    chartVersion: '1.1.0',
    appVersion: '2.1.0',
    performedBy: 'external',
    pendingBy: null,
    valuesOverride: { color: 'by-hand' },
  })
  await world.hand.helm('rollback', 'app', '1', ...inside(place))
  const back = await eventually('seen', () => at(release, 3), seconds)
  expect(back).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.0.0', valuesOverride: { color: 'blue' } })
  expect(await release.history()).toMatchObject([
    { revision: 3, status: 'DEPLOYED', performedBy: 'external', current: true },
    { revision: 2, status: 'DEPLOYED', performedBy: 'external', chartVersion: '1.1.0' },
    { revision: 1, status: 'DEPLOYED', current: false },
  ])
  expect(ok(await release.rollback(2))).toMatchObject({ revision: 4, valuesOverride: { color: 'by-hand' } })
  await world.hand.helm('uninstall', 'app', ...inside(place))
  expect(await release.untilStatus('UNINSTALLED')).toMatchObject({ performedBy: 'external' })
  expect(await release.history()).toHaveLength(4)
})

/** The release at rest at a revision. */
async function at(release: ReleaseHandle, revision: number): Promise<Release | null> {
  const now = await release.read()
  return now.revision === revision && now.pendingBy === null ? now : null
}

test.concurrent('a failed upgrade by hand is FAILED and keeps what is stored', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'hooked' })
  const failing = ['--set', 'hook.tag=fail', '--timeout', '10s']
  const { code } = await world.hand.tryHelm('upgrade', 'app', chart('hooked', '1.1.0'), ...inside(place), ...failing)
  expect(code).toBe(1)
  const failed = await release.untilStatus('FAILED')
  expect(failed).toMatchObject({ chartVersion: '1.0.0', attemptedChartVersion: '1.1.0', valuesOverride: {} })
  expect(await release.verdicts()).toEqual(['2 FAILED', '1 DEPLOYED'])
  expect(ok(await release.rollbackToLastSuccessful())).toMatchObject({ status: 'DEPLOYED', revision: 3 })
})

test.concurrent('a release made by hand in a namespace of the tenant is adopted, with all that can be done to it', async () => {
  const place = world.place()
  await place.installed()
  await world.hand.helm('install', 'mine', chart('plain', '1.0.0'), ...inside(place), '--set', 'color=mine')
  const listed = await eventually(
    'adopted',
    async () => (await place.list()).find(({ releaseName }) => releaseName === 'mine'),
    seconds,
  )
  expect(listed).toMatchObject({
    tenantId: place.tenantId,
    performedBy: 'external',
    status: 'DEPLOYED',
    chartName: 'plain',
    chartVersion: '1.0.0',
    revision: 1,
  })
  const release = await place.handleOf(listed.id)
  expect(await release.read()).toMatchObject({ valuesOverride: { color: 'mine' } })
  expect(await release.history()).toMatchObject([{ revision: 1, performedBy: 'external', status: 'DEPLOYED' }])
  const upgraded = ok(await release.upgrade({ chartVersion: '1.1.0' }))
  expect(upgraded).toMatchObject({ status: 'DEPLOYED', revision: 2, valuesOverride: { color: 'mine' } })
  expect(ok(await release.rollback(1))).toMatchObject({ revision: 3, chartVersion: '1.0.0' })
  expect(ok(await release.uninstall())).toMatchObject({ status: 'UNINSTALLED' })
})

test.concurrent('a reinstall by hand is another release', async () => {
  const place = world.place()
  const release = await place.installed()
  await world.hand.helm('uninstall', 'app', ...inside(place))
  await world.hand.helm('install', 'app', chart('plain', '1.1.0'), ...inside(place))
  expect(await release.untilStatus('UNINSTALLED')).toMatchObject({ chartVersion: '1.0.0' })
  const adopted = await eventually(
    'adopted',
    async () => (await place.list()).find(({ id }) => id !== release.id),
    seconds,
  )
  expect(adopted).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.1.0', revision: 1, performedBy: 'external' })
})

test.concurrent('helm uninstall --keep-history by hand frees the name: an install is a new id', async () => {
  const place = world.place()
  const release = await place.installed()
  await world.hand.helm('uninstall', 'app', '--keep-history', ...inside(place))
  expect(await release.untilStatus('UNINSTALLED')).toMatchObject({ performedBy: 'external', leftovers: [] })
  const again = await place.installed({ chartVersion: '1.1.0' })
  expect(again.id).not.toBe(release.id)
  expect(await again.read()).toMatchObject({ status: 'DEPLOYED', revision: 2, performedBy: 'admin' })
  expect(await again.verdicts()).toEqual(['2 DEPLOYED'])
  const records = await world.cluster.records(place.namespace, 'app')
  expect(records.map(({ info }) => info.status)).toEqual(['superseded', 'deployed'])
})

test.concurrent('a release that was revived by hand has the history that is known of it, under its new id', async () => {
  const place = world.place()
  const release = await place.installed({ description: 'the first' })
  ok(await release.upgrade({ chartVersion: '1.1.0', description: 'to 1.1.0' }))
  ok(await release.upgrade({ valuesOverride: { color: 'blue' } }))
  await world.hand.helm('uninstall', 'app', '--keep-history', ...inside(place))
  await release.untilStatus('UNINSTALLED')
  // Who uninstalled it is told of the release.
  const uninstalled = { status: 'UNINSTALLED', performedBy: 'admin', description: 'Upgrade complete' }
  expect((await release.history())[0]).toMatchObject(uninstalled)
  await world.hand.helm('rollback', 'app', '3', ...inside(place))
  // It may be adopted before helm's rollback has ended.
  const isRevived = () => place.list().then((list) => list.find(({ status }) => status === 'DEPLOYED'))
  const revived = await eventually('adopted', isRevived, seconds)
  expect(revived).toMatchObject({ revision: 4, performedBy: 'external' })
  const adopted = await place.handleOf(revived.id)
  expect(await adopted.history()).toMatchObject([
    { revision: 4, status: 'DEPLOYED', performedBy: 'external', description: 'Rollback to 3' },
    { revision: 3, ...uninstalled },
    { revision: 2, status: 'DEPLOYED', performedBy: 'admin', description: 'to 1.1.0' },
    { revision: 1, status: 'DEPLOYED', performedBy: 'admin', description: 'the first' },
  ])
  expect(ok(await adopted.rollbackToLastSuccessful())).toMatchObject({ revision: 5, chartVersion: '1.1.0' })
  expect((await world.cluster.newest(place.namespace, 'app')).info.description).toBe('Rollback to 2')
})

test.concurrent('a revision by hand with a description of its own ended well, also where it was superseded before it was seen', async () => {
  const place = world.place()
  // Adopted once its namespace belongs to a tenant: nothing of it is seen before.
  await world.cluster.client.create(resources.namespaces, { metadata: { name: place.namespace } })
  const install = [chart('plain', '1.0.0'), ...inside(place)]
  await world.hand.helm('install', 'mine', ...install)
  await world.hand.helm('upgrade', 'mine', chart('plain', '1.1.0'), ...inside(place), '--description', 'tuned by ops')
  await world.hand.helm('upgrade', 'mine', chart('plain', '1.2.0'), ...inside(place))
  await place.installed()
  const mine = () => place.list().then((list) => list.find(({ releaseName }) => releaseName === 'mine'))
  const release = await place.handleOf((await eventually('adopted', mine, seconds)).id)
  expect(await release.verdicts()).toEqual(['3 DEPLOYED', '2 DEPLOYED', '1 DEPLOYED'])
  expect(ok(await release.rollbackToLastSuccessful())).toMatchObject({ revision: 4, chartVersion: '1.1.0' })
})

test.concurrent('an operation that meets another hand fails, and the release follows Helm', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'workload' })
  const operation = await release.begin('POST', '/upgrade', { valuesOverride: { image: { tag: 'never-ready' } } })
  await release.until('waits', ({ waitingFor }) => waitingFor?.reason === 'WORKLOADS_NOT_READY')
  await world.hand.helm('upgrade', 'app', chart('workload', '1.1.0'), ...inside(place), '--reset-values')
  expect(await operation.ended()).toMatchObject({ status: 'FAILED', error: { code: 'changed_by_another_hand' } })
  const after = await release.untilStatus('DEPLOYED')
  expect(after).toMatchObject({ revision: 3, chartVersion: '1.1.0', performedBy: 'external', valuesOverride: {} })
  const [, ours] = await release.history()
  expect(ours).toMatchObject({ revision: 2, status: 'FAILED', description: 'overtaken before it had ended' })
})

test.concurrent('a pending revision of another hand is shown, refuses all, and only force settles it', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'hooked' })
  await killedUpgrade(place, 'app')
  const pending = await release.untilStatus('PENDING_UPGRADE')
  expect(pending).toMatchObject({ waitingFor: { reason: 'ANOTHER_HAND', until: null } })
  expect(pending.waitingFor?.detail).toMatch(/no time limit.*recover with \{"force": true\}/)
  expect(pending).toMatchObject({ pendingBy: 'external', chartVersion: '1.0.0', attemptedChartVersion: '1.1.0' })
  problem(await release.upgrade({ valuesOverride: { color: 'blue' } }), 409, 'pending_elsewhere')
  problem(await release.rollback(1), 409, 'pending_elsewhere')
  problem(await release.rollbackToLastSuccessful(), 409, 'pending_elsewhere')
  problem(await release.uninstall(), 409, 'pending_elsewhere')
  problem(await place.install({ chartName: 'hooked' }), 409, 'name_taken')
  problem(await release.recover({}), 409, 'pending_elsewhere')
  expect(ok(await release.recover({ dryRun: true }))).toMatchObject({ action: 'settle', release: { revision: 2 } })
  expect((await world.cluster.newest(place.namespace, 'app')).info.status).toBe('pending-upgrade')
  const key = { 'idempotency-key': release.id }
  const recovered = ok(await release.recover({ force: true }, key))
  expect(recovered).toMatchObject({ action: 'settle', release: { status: 'FAILED', pendingBy: null, revision: 2 } })
  const again = await release.recover({ force: true }, key)
  expect([again.headers.get('idempotency-replayed'), again.headers.get('preference-applied')]).toEqual(['true', null])
  expect(ok(again)).toMatchObject({ ...recovered, release: { id: release.id, status: 'FAILED', revision: 2 } })
  expect((await world.cluster.newest(place.namespace, 'app')).info.status).toBe('failed')
  expect(await release.verdicts()).toEqual(['2 FAILED', '1 DEPLOYED'])
  expect(ok(await release.upgrade({ valuesOverride: { color: 'blue' } }))).toMatchObject({ status: 'DEPLOYED' })
})

test.concurrent('a foreign operation that ends by itself is followed to its end', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'hooked' })
  const values = world.hand.values({ hook: heldHook })
  const helm = await world.hand.startHelm('upgrade', 'app', chart('hooked', '1.2.0'), ...inside(place), '-f', values)
  expect(await release.untilStatus('PENDING_UPGRADE')).toMatchObject({ pendingBy: 'external' })
  await world.cluster.endHook(place.namespace)
  expect((await helm.ended).code).toBe(0)
  expect(await release.untilStatus('DEPLOYED')).toMatchObject({ chartVersion: '1.2.0', pendingBy: null, revision: 2 })
})

test.concurrent('recover with nothing to settle is 200 and does nothing', async () => {
  const release = await world.place().installed()
  const before = await release.read()
  for (const body of [{}, { dryRun: true }, { force: true }]) {
    expect(ok(await release.recover(body))).toMatchObject({ action: 'none', operationId: null, release: before })
  }
  expect(await release.read()).toEqual(before)
})

test.concurrent('a Deployment that was deleted by hand needs a person, until it is there again', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'workload' })
  const waiting = () => place.list('?attention=true')
  expect(await waiting()).toEqual([])
  const objects = { namespace: place.namespace }
  for (const name of await world.cluster.names(place.namespace, resources.deployments)) {
    await world.cluster.client.delete(resources.deployments, { ...objects, name })
  }
  const missed = await eventually('it is missed', async () => (await waiting())[0], seconds)
  expect(missed).toMatchObject({ id: release.id, status: 'DEPLOYED', health: { ready: 0, total: 0 } })
  ok(await release.upgrade({ valuesOverride: { replicas: 3 } }))
  await eventually('it is there again', async () => (await waiting()).length === 0, seconds)
})

test.concurrent.each<[string, (release: ReleaseHandle) => Promise<unknown>]>([
  ['an upgrade', async (release) => ok(await release.upgrade({ valuesOverride: { replicas: 0 } }))],
  [
    'an upgrade that does not wait',
    async (release) => ok(await release.upgrade({ valuesOverride: { replicas: 0 }, wait: false })),
  ],
  [
    'an upgrade by hand',
    async ({ name, namespace }) =>
      world.hand.helm('upgrade', name, chart('passing', '1.0.0'), '--namespace', namespace, '--set', 'replicas=0'),
  ],
])('%s to no workload at all leaves none to be missed', async (_, upgrade) => {
  const place = world.place()
  const values = { chartName: 'passing', valuesOverride: { replicas: 1 } }
  const [release, other] = [await place.installed(values), await place.installed({ ...values, releaseName: 'other' })]
  await upgrade(release)
  await release.until('has none', ({ revision, health }) => revision === 2 && health?.total === 0)
  // The watch tells of what went in its order: once it has told of this one, it has of the other.
  await world.cluster.client.delete(resources.deployments, { namespace: place.namespace, name: other.name })
  const missed = await eventually(
    'one is missed',
    async () => {
      const found = await place.list('?attention=true')
      return found.some(({ releaseName }) => releaseName === 'other') && found
    },
    seconds,
  )
  expect(missed.map(({ releaseName }) => releaseName)).toEqual(['other'])
})

test('all of this was told as docs/events says', () => expectToldAsPublished(world.api))

/** What `helm uninstall` by hand has left whose hook has failed. */
async function halfUninstalled(place: Place): Promise<ReleaseHandle> {
  const hook = { events: 'pre-delete', tag: 'fail' }
  const release = await place.installed({ chartName: 'hooked', valuesOverride: { hook } })
  expect((await world.hand.tryHelm('uninstall', 'app', ...inside(place))).code).toBe(1)
  const left = await release.until('pending', ({ pendingBy }) => pendingBy === 'external')
  expect(left).toMatchObject({ status: 'DEPLOYED', waitingFor: { reason: 'ANOTHER_HAND' } })
  return release
}

test.concurrent('an uninstall by hand whose hook has failed is told; settled by force, it is finished without hooks', async () => {
  const place = world.place()
  const release = await halfUninstalled(place)
  const refused = problem(await release.uninstall({ hooks: 'false' }), 409, 'pending_elsewhere')
  expect(refused.detail).toMatch(/app is being uninstalled by another hand\. .* recover with force, then uninstall it/)
  expect(ok(await release.recover({ dryRun: true }))).toMatchObject({
    action: 'settle',
    detail: expect.stringContaining('revision 1 is being uninstalled by another hand'),
  })
  expect(ok(await release.recover({ force: true }))).toMatchObject({ release: { status: 'FAILED', pendingBy: null } })
  expect(ok(await release.uninstall({ hooks: 'false' }))).toMatchObject({ status: 'UNINSTALLED' })
  expect(await world.cluster.records(place.namespace, 'app')).toEqual([])
})

test.concurrent('whoever has begun an uninstall may finish it by hand', async () => {
  const place = world.place()
  const release = await halfUninstalled(place)
  await world.hand.helm('uninstall', 'app', '--no-hooks', ...inside(place))
  expect(await release.untilStatus('UNINSTALLED')).toMatchObject({ performedBy: 'external', pendingBy: null })
})
