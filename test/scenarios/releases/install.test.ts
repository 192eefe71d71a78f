import { afterAll, beforeAll, expect, test } from 'vitest'
import { resources } from '../../../src/infra/kubernetes/index.ts'
import { ok, problem } from '../support/api.ts'
import { isReady } from '../support/cluster-view.ts'
import { failure, type Release } from '../support/releases.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

test.concurrent('an install answers 201 with the release, once its workloads are ready', async () => {
  const place = world.place()
  const answer = await place.install({ chartName: 'workload', description: 'first of all' })
  const release = ok(answer, 201)
  expect(answer.headers.get('location')).toBe(`/api/v1/helm/releases/${release.id}`)
  expect(release).toMatchObject({
    tenantId: place.tenantId,
    namespace: place.namespace,
    releaseName: 'app',
    chartName: 'workload',
    chartVersion: '1.0.0',
    attemptedChartVersion: null,
    appVersion: '2.0.0',
    status: 'DEPLOYED',
    revision: 1,
    valuesOverride: {},
    description: 'first of all',
    currentOperationId: null,
    waitingFor: null,
    pendingBy: null,
    leftovers: [],
    performedBy: expect.any(String),
    health: { ready: 3, total: 3 },
  })
  const pods = await world.cluster.pods(place.namespace)
  expect(pods.map(isReady)).toEqual([true, true, true])
  const record = await world.cluster.newest(place.namespace, 'app')
  expect(record.info).toMatchObject({ status: 'deployed', description: 'first of all' })
  expect(ok(await world.api.get<Release>(`/helm/releases/${release.id}`))).toMatchObject({
    id: release.id,
    revision: 1,
  })
  const [listed] = await place.list()
  expect(listed).toMatchObject({ id: release.id, status: 'DEPLOYED' })
  expect(listed).not.toHaveProperty('valuesOverride')
})

test.concurrent('appVersion is a label that the caller may choose', async () => {
  const release = await world.place().installed({ appVersion: '2024.1' })
  expect(await release.read()).toMatchObject({ appVersion: '2024.1', chartVersion: '1.0.0' })
  expect(await release.history()).toMatchObject([{ appVersion: '2024.1' }])
})

test.concurrent('a second install of the name is 409 and changes nothing', async () => {
  const place = world.place()
  const release = await place.installed()
  const refused = problem(await place.install({ chartVersion: '1.1.0' }), 409, 'name_taken')
  expect(refused).toMatchObject({ releaseId: release.id, releaseStatus: 'DEPLOYED' })
  expect(await world.cluster.records(place.namespace, 'app')).toHaveLength(1)
})

test.concurrent('of installs of one name at once each that is refused names the release that has it', async () => {
  const place = world.place()
  await place.installed({ releaseName: 'first' })
  const answers = await Promise.all(Array.from({ length: 24 }, () => place.install()))
  const [made] = answers.filter(({ status }) => status === 201).map(({ body }) => body)
  const refused = answers.filter(({ status }) => status !== 201).map((answer) => problem(answer, 409, 'name_taken'))
  expect(refused.map(({ releaseId }) => releaseId)).toEqual(Array.from({ length: 23 }, () => made?.id))
})

test.concurrent('with wait false DEPLOYED means that Helm has applied', async () => {
  const place = world.place()
  const release = ok(
    await place.install({ chartName: 'workload', wait: false, valuesOverride: { image: { tag: 'never-ready' } } }),
    201,
  )
  expect(release.status).toBe('DEPLOYED')
  expect(await world.cluster.deployment(place.namespace, 'app')).not.toBeNull()
})

test.concurrent('an install that never becomes ready is FAILED with the evidence, and an upgrade mends it', async () => {
  const place = world.place()
  const broken = { image: { tag: 'never-ready' } }
  const failed = failure(
    await place.install({ chartName: 'workload', timeout: 8, valuesOverride: broken, chartVersion: '1.1.0' }),
    'not_ready',
  )
  expect(failed.release).toMatchObject({ status: 'FAILED', revision: 1, chartVersion: '1.1.0', valuesOverride: broken })
  expect(JSON.stringify(failed.evidence)).toMatch(/app-[a-z0-9]+-[a-z0-9]+/)
  expect((await world.cluster.newest(place.namespace, 'app')).info.status).toBe('failed')
  const release = place.handle(failed.release)
  problem(await release.rollbackToLastSuccessful(), 409, 'nothing_to_roll_back_to')
  const mended = ok(await release.upgrade({ valuesOverride: { image: { tag: '1.0' } } }))
  expect(mended).toMatchObject({ status: 'DEPLOYED', revision: 2, chartVersion: '1.1.0' })
  expect(await release.verdicts()).toEqual(['2 DEPLOYED', '1 FAILED'])
  expect((await world.cluster.pods(place.namespace)).filter(isReady)).toHaveLength(3)
})

test.concurrent('until a revision has ended DEPLOYED, what is stored is what was asked for last', async () => {
  const place = world.place()
  const broken = (color: string) => ({ image: { tag: 'never-ready' }, color })
  const request = { chartName: 'workload', chartVersion: '1.0.0', timeout: 8, valuesOverride: broken('red') }
  const release = place.handle(failure(await place.install(request), 'not_ready').release)
  const change = { chartVersion: '1.1.0', timeout: 8, valuesOverride: { color: 'blue' } }
  const failed = failure(await release.upgrade(change), 'not_ready').release
  expect(failed).toMatchObject({ status: 'FAILED', chartVersion: '1.1.0', attemptedChartVersion: null })
  const mended = ok(await release.upgrade({ valuesOverride: { image: { tag: '1.0' } } }))
  const stored = { image: { tag: '1.0' }, color: 'blue' }
  expect(mended).toMatchObject({ status: 'DEPLOYED', revision: 3, chartVersion: '1.1.0', valuesOverride: stored })
})

test.concurrent('a FAILED install can be uninstalled, and counts in byStatus only', async () => {
  const place = world.place()
  const failed = failure(await place.install({ chartName: 'hooked', valuesOverride: failingHook }), 'hook_failed')
  expect(failed.release).toMatchObject({ status: 'FAILED' })
  const release = place.handle(failed.release)
  problem(await place.install(), 409, 'name_taken')
  problem(await release.rollback(1), 409, 'current_revision')
  expect(ok(await release.uninstall())).toMatchObject({ status: 'UNINSTALLED' })
  expect(await world.cluster.records(place.namespace, 'app')).toEqual([])
})
const failingHook = { hook: { tag: 'fail' } }

test.concurrent('an atomic install that fails is UNINSTALLED again and the name is free', async () => {
  const place = world.place()
  const broken = { image: { tag: 'never-ready' } }
  const failed = failure(
    await place.install({ chartName: 'workload', atomic: true, timeout: 8, valuesOverride: broken }),
    'rolled_back',
  )
  expect(failed.release.status).toBe('UNINSTALLED')
  expect(failed.evidence).toMatchObject({ pods: expect.anything() })
  expect(await world.cluster.records(place.namespace, 'app')).toEqual([])
  expect(await world.cluster.names(place.namespace, resources.deployments)).toEqual([])
  const again = ok(await place.install({ chartName: 'workload' }), 201)
  expect(again.id).not.toBe(failed.release.id)
  expect(await place.list()).toMatchObject([{ id: again.id }])
  expect(await place.list('?status=UNINSTALLED')).toMatchObject([{ id: failed.release.id }])
})

test.concurrent('waitForJobs waits for plain Jobs too, without it they are not looked at', async () => {
  const failing = { job: { tag: 'fail' } }
  const without = await world.place().install({ chartName: 'jobbed', valuesOverride: failing })
  expect(ok(without, 201).status).toBe('DEPLOYED')
  const place = world.place()
  failure(await place.install({ chartName: 'jobbed', waitForJobs: true, valuesOverride: failing }), 'not_ready')
  const good = ok(await world.place().install({ chartName: 'jobbed', waitForJobs: true }), 201)
  expect(good.status).toBe('DEPLOYED')
  const job = { namespace: good.namespace, name: 'app-1' }
  expect(await world.cluster.client.find(resources.jobs, job)).toMatchObject({ status: { succeeded: 1 } })
})

test.concurrent('waitForJobs without wait, unknown fields and bad ranges are 400 and name the field', async () => {
  const place = world.place()
  const refusals = [
    [{ waitForJobs: true, wait: false }, 'waitForJobs'],
    [{ atomicc: true }, 'atomicc'],
    [{ timeout: 0 }, 'timeout'],
    [{ timeout: 86_401 }, 'timeout'],
    [{ releaseName: 'Not-A-Name' }, 'releaseName'],
  ] as const
  for (const [more, field] of refusals) {
    const { errors } = problem(await place.install(more), 400, 'malformed')
    expect(JSON.stringify(errors)).toContain(field)
  }
  problem(await world.api.get(`/helm/releases/tenant/${place.tenantId}`), 404, 'not_found')
})

test.concurrent('each failed validation of the chart has a code of its own', async () => {
  const place = world.place()
  problem(await place.install({ chartName: 'no-such-chart' }), 404, 'chart_not_found')
  problem(await place.install({ chartVersion: '9.9.9' }), 404, 'chart_version_not_found')
  problem(await place.install({ valuesOverride: { color: 7 } }), 422, 'values_schema')
  problem(await place.install({ chartName: 'workload', valuesOverride: { image: 'text' } }), 422, 'chart_render_failed')
})
