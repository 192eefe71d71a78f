import { afterAll, beforeAll, expect, test } from 'vitest'
import { ok, problem } from '../support/api.ts'
import { isReady } from '../support/cluster-view.ts'
import { failure } from '../support/releases.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

test.concurrent('a rollback is a new revision with the values and the chart version of its target', async () => {
  const release = await world.place().installed({ valuesOverride: { color: 'blue' }, appVersion: 'first' })
  ok(await release.upgrade({ chartVersion: '1.1.0', valuesOverride: { color: 'green' } }))
  const back = ok(await release.rollback(1, { description: 'back to blue' }))
  expect(back).toMatchObject({
    status: 'DEPLOYED',
    revision: 3,
    chartVersion: '1.0.0',
    attemptedChartVersion: null,
    valuesOverride: { color: 'blue' },
    description: 'back to blue',
  })
  const record = await world.cluster.newest(release.namespace, release.name)
  expect(record).toMatchObject({ version: 3, config: { color: 'blue' }, info: { status: 'deployed' } })
  expect(record.chart.metadata.version).toBe('1.0.0')
  expect(await world.cluster.config(release.namespace, release.name)).toMatchObject({ version: '1.0.0' })
  expect(await release.history()).toMatchObject([
    { revision: 3, chartVersion: '1.0.0', status: 'DEPLOYED', current: true },
    { revision: 2, chartVersion: '1.1.0', status: 'DEPLOYED', current: false },
    { revision: 1, chartVersion: '1.0.0', status: 'DEPLOYED', appVersion: 'first' },
  ])
  expect(ok(await release.upgrade({ valuesOverride: { list: [] } })).valuesOverride).toEqual({
    color: 'blue',
    list: [],
  })
})

test.concurrent('to the current revision is 409, to one that does not exist 404, without a target 400', async () => {
  const release = await world.place().installed()
  problem(await release.rollback(1), 409, 'current_revision')
  problem(await release.rollback(7), 404, 'revision_not_found')
  problem(await release.rollback(0), 400, 'malformed')
  problem(await world.api.post(`${release.path}/rollback`, {}), 400, 'malformed')
  problem(await release.rollback(1, { ifRevision: 3 }), 409, 'revision_moved')
  problem(await release.rollback(1, { valuesOverride: {} }), 400, 'malformed')
  expect(await release.verdicts()).toEqual(['1 DEPLOYED'])
})

test.concurrent('last-successful goes to the newest earlier revision that ended DEPLOYED', async () => {
  const release = await world.place().installed({ chartName: 'hooked', valuesOverride: { color: 'one' } })
  problem(await release.rollbackToLastSuccessful(), 409, 'nothing_to_roll_back_to')
  ok(await release.upgrade({ valuesOverride: { color: 'two' } }))
  const failing = { valuesOverride: { color: 'three', hook: { tag: 'fail' } } }
  failure(await release.upgrade(failing), 'hook_failed')
  failure(await release.upgrade(failing), 'hook_failed')
  const back = ok(await release.rollbackToLastSuccessful())
  expect(back).toMatchObject({ status: 'DEPLOYED', revision: 5, valuesOverride: { color: 'two' } })
  expect(await world.cluster.config(release.namespace, release.name)).toMatchObject({ color: 'two' })
  expect(await release.verdicts()).toEqual(['5 DEPLOYED', '4 FAILED', '3 FAILED', '2 DEPLOYED', '1 DEPLOYED'])
})

test.concurrent('a failed rollback is FAILED and leaves what is stored', async () => {
  const place = world.place()
  const broken = { image: { tag: 'never-ready' } }
  const release = await place.installed({ chartName: 'workload', wait: false, valuesOverride: broken })
  ok(await release.upgrade({ chartVersion: '1.1.0', valuesOverride: { image: { tag: '2.0' } } }))
  const failed = failure(await release.rollback(1, { timeout: 8 }), 'not_ready')
  expect(failed.release).toMatchObject({
    status: 'FAILED',
    revision: 3,
    chartVersion: '1.1.0',
    attemptedChartVersion: '1.0.0',
    valuesOverride: { image: { tag: '2.0' } },
  })
  expect((await world.cluster.newest(place.namespace, 'app')).info.status).toBe('failed')
  expect(ok(await release.rollback(2))).toMatchObject({ status: 'DEPLOYED', revision: 4, chartVersion: '1.1.0' })
})

test.concurrent('with wait false a rollback ends when Helm has applied', async () => {
  const broken = { image: { tag: 'never-ready' } }
  const release = await world.place().installed({ chartName: 'workload', wait: false, valuesOverride: broken })
  ok(await release.upgrade({ valuesOverride: { image: { tag: '2.0' } } }))
  expect(ok(await release.rollback(1, { wait: false }))).toMatchObject({ status: 'DEPLOYED', revision: 3 })
})

test.concurrent('a StatefulSet is ready on the target: the broken pod of the abandoned revision is removed', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'matih-metadata-store', valuesOverride: { replicaCount: 2 } })
  failure(await release.upgrade({ chartVersion: '1.4.0', timeout: 8 }), 'not_ready')
  const broken = (await world.cluster.pods(place.namespace)).filter((pod) => !isReady(pod))
  expect(broken).toHaveLength(1)
  expect(ok(await release.rollback(1, { timeout: 60 }))).toMatchObject({ status: 'DEPLOYED', revision: 3 })
  const pods = await world.cluster.pods(place.namespace)
  expect(pods.map(isReady)).toEqual([true, true])
  expect(pods.map(({ metadata }) => metadata.uid)).not.toContain(broken[0]?.metadata.uid)
  expect(JSON.stringify(pods.map((pod) => pod.spec.containers[0]?.image))).not.toContain('never-ready')
})

test.concurrent('a revision that Helm has pruned is deployed from the kept chart and values', async () => {
  const release = await world.place().installed({ valuesOverride: { color: 'first' }, appVersion: 'kept' })
  for (let n = 2; n <= 12; n++) {
    ok(await release.upgrade({ chartVersion: '1.1.0', valuesOverride: { color: `n${n}` }, wait: false }))
  }
  const kept = (await world.cluster.records(release.namespace, release.name)).map(({ version }) => version)
  expect(kept).not.toContain(1)
  expect(await release.history()).toHaveLength(12)
  const back = ok(await release.rollback(1))
  expect(back).toMatchObject({ status: 'DEPLOYED', revision: 13, chartVersion: '1.0.0', appVersion: 'kept' })
  expect(back.valuesOverride).toEqual({ color: 'first' })
  expect((await release.history())[0]).toMatchObject({ description: 'Rollback to 1' })
  const truth = await world.cluster.config(release.namespace, release.name)
  expect(truth).toMatchObject({ version: '1.0.0', values: expect.stringContaining('"first"') })
  expect((await release.verdicts()).every((verdict) => verdict.endsWith('DEPLOYED'))).toBe(true)
})

test.concurrent('a rollback whose hook fails has failed in the history too: nothing has interrupted it', async () => {
  const failing = { hook: { events: 'pre-rollback', tag: 'fail' } }
  const release = await world.place().installed({ chartName: 'hooked', valuesOverride: failing })
  ok(await release.upgrade({ valuesOverride: { color: 'two' } }))
  failure(await release.rollback(1), 'hook_failed')
  const [newest] = await release.history()
  expect(newest).toMatchObject({ revision: 3, status: 'FAILED', description: 'failed: hook_failed' })
})

test.concurrent('a hook that keeps failing is left out with hooks false, which is told', async () => {
  const failing = { hook: { events: 'pre-rollback', tag: 'fail' } }
  const release = await world.place().installed({ chartName: 'hooked', valuesOverride: failing })
  ok(await release.upgrade({ valuesOverride: { color: 'two' } }))
  expect(failure(await release.rollback(1), 'hook_failed').detail).toContain('"hooks": false')
  problem(await release.rollback(1, { hooks: 'no' }), 400, 'malformed')
  const back = ok(await release.rollback(1, { hooks: false, reason: 'its hook is broken' }))
  expect(back).toMatchObject({ status: 'DEPLOYED', revision: 4, valuesOverride: failing })
  const requested = (await release.events()).filter(({ type }) => type.endsWith('rollback.requested'))
  expect(requested.map(({ data }) => 'hooks' in data)).toEqual([false, true])
  const { operationId } = (requested.at(-1)?.data ?? {}) as { operationId?: string }
  const operation = ok(await world.api.get<object>(`/operations/${operationId}`))
  expect(operation).toMatchObject({ status: 'SUCCEEDED', result: { status: 'DEPLOYED', hooks: false } })
  const audit = ok(await world.api.get<readonly object[]>('/audit?action=release.rollback-without-hooks'))
  const entry = { operationId, subject: `release/${release.id}`, reason: 'its hook is broken' }
  expect(audit).toContainEqual(expect.objectContaining(entry))
  ok(await release.upgrade({ valuesOverride: { color: 'three' } }))
  failure(await release.rollback(4), 'hook_failed')
  expect(ok(await release.rollbackToLastSuccessful({ hooks: false }))).toMatchObject({
    status: 'DEPLOYED',
    revision: 7,
  })
})
