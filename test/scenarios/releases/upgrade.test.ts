import { afterAll, beforeAll, expect, test } from 'vitest'
import { ok, problem } from '../support/api.ts'
import { heldHook, isReady } from '../support/cluster-view.ts'
import { failure, type ReleaseHandle } from '../support/releases.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

/** The final values as the chart saw them. */
async function rendered({ namespace, name }: ReleaseHandle): Promise<Record<string, unknown>> {
  const data = await world.cluster.config(namespace, name)
  return JSON.parse(data?.values ?? 'null')
}

test.concurrent('values merge deeply: maps merge, lists and scalars replace, null removes the default and is kept', async () => {
  const release = await world.place().installed({ valuesOverride: { size: { width: 10 }, list: ['x'] } })
  expect(await rendered(release)).toEqual({ color: 'red', size: { width: 10, height: 2 }, list: ['x'] })
  const upgraded = ok(await release.upgrade({ valuesOverride: { size: { depth: 3 }, list: ['y'], color: null } }))
  const overrides = { size: { width: 10, depth: 3 }, list: ['y'], color: null }
  expect(upgraded.valuesOverride).toEqual(overrides)
  expect(await rendered(release)).toEqual({ size: { width: 10, height: 2, depth: 3 }, list: ['y'] })
  ok(await release.upgrade({ chartVersion: '1.1.0' }))
  expect(await rendered(release)).toEqual({ size: { width: 10, height: 2, depth: 3 }, list: ['y'] })
  expect((await world.cluster.newest(release.namespace, release.name)).config).toEqual(overrides)
})

test.concurrent('valuesMode replace drops the stored overrides', async () => {
  const release = await world.place().installed({ valuesOverride: { color: 'blue', size: { width: 9 } } })
  const upgraded = ok(await release.upgrade({ valuesMode: 'replace', valuesOverride: { list: [] } }))
  expect(upgraded.valuesOverride).toEqual({ list: [] })
  expect(await rendered(release)).toEqual({ color: 'red', size: { width: 1, height: 2 }, list: [] })
})

test.concurrent('an upgrade to another version keeps the overrides and records its label', async () => {
  const release = await world.place().installed({ valuesOverride: { color: 'green' } })
  const upgraded = ok(await release.upgrade({ chartVersion: '1.2.0', description: 'to the newest' }))
  expect(upgraded).toMatchObject({
    status: 'DEPLOYED',
    chartVersion: '1.2.0',
    attemptedChartVersion: null,
    appVersion: '2.2.0',
    revision: 2,
    valuesOverride: { color: 'green' },
    description: 'to the newest',
  })
  expect(await world.cluster.config(release.namespace, release.name)).toMatchObject({ version: '1.2.0' })
  const labelled = ok(await release.upgrade({ chartVersion: '1.1.0', appVersion: 'old' }))
  expect(labelled).toMatchObject({ chartVersion: '1.1.0', appVersion: 'old', revision: 3 })
  expect(await release.history()).toMatchObject([
    { revision: 3, chartVersion: '1.1.0', appVersion: 'old', status: 'DEPLOYED', current: true },
    { revision: 2, chartVersion: '1.2.0', appVersion: '2.2.0', status: 'DEPLOYED', current: false },
    { revision: 1, chartVersion: '1.0.0', appVersion: '2.0.0', status: 'DEPLOYED', current: false },
  ])
})

test.concurrent('a body that asks for nothing is 400', async () => {
  const release = await world.place().installed()
  problem(await release.upgrade({ description: 'nothing' }), 400, 'malformed')
  problem(await release.upgrade({ chartVersion: '1.1.0', waitForJobs: true, wait: false }), 400, 'malformed')
})

test.concurrent('a failed upgrade changes nothing of what is stored, and is tried again from there', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'workload', valuesOverride: { second: { tag: '2.0' } } })
  const answer = await release.upgrade({
    chartVersion: '1.1.0',
    valuesOverride: { image: { tag: 'never-ready' } },
    timeout: 8,
  })
  const failed = failure(answer, 'not_ready')
  expect(failed.release).toMatchObject({
    status: 'FAILED',
    chartVersion: '1.0.0',
    attemptedChartVersion: '1.1.0',
    valuesOverride: { second: { tag: '2.0' } },
    revision: 2,
  })
  expect(failed.detail).toContain('app')
  expect((await world.cluster.newest(place.namespace, 'app')).info.status).toBe('failed')
  const mended = ok(await release.upgrade({ chartVersion: '1.2.0' }))
  expect(mended).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.2.0', attemptedChartVersion: null, revision: 3 })
  expect(mended.valuesOverride).toEqual({ second: { tag: '2.0' } })
  expect(await release.verdicts()).toEqual(['3 DEPLOYED', '2 FAILED', '1 DEPLOYED'])
})

test.concurrent('while an upgrade runs it shows as attempted, and its end decides', async () => {
  const release = await world.place().installed({ chartName: 'hooked' })
  const operation = await release.begin('POST', '/upgrade', {
    chartVersion: '1.1.0',
    valuesOverride: { hook: heldHook },
  })
  const running = await release.untilStatus('PENDING_UPGRADE')
  expect(running).toMatchObject({ chartVersion: '1.0.0', attemptedChartVersion: '1.1.0' })
  expect(running.currentOperationId).toBe(operation.id)
  expect(running.waitingFor).toMatchObject({ reason: expect.any(String) })
  await world.cluster.endHook(release.namespace)
  expect(await operation.ended()).toMatchObject({ status: 'SUCCEEDED', kind: 'upgrade' })
  expect(await release.read()).toMatchObject({ chartVersion: '1.1.0', attemptedChartVersion: null, waitingFor: null })
})

test.concurrent('a failing hook is hook_failed', async () => {
  const release = await world.place().installed({ chartName: 'hooked' })
  const failed = failure(await release.upgrade({ valuesOverride: { hook: { tag: 'fail' } } }), 'hook_failed')
  expect(failed.release).toMatchObject({ status: 'FAILED', revision: 2, valuesOverride: {} })
  expect(await world.cluster.config(release.namespace, release.name)).toMatchObject({ color: 'red' })
})

test.concurrent('an atomic upgrade that fails is rolled back: 422, DEPLOYED on a new revision, evidence of what failed', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'workload', valuesOverride: { replicas: 1 } })
  const answer = await release.upgrade({
    chartVersion: '1.1.0',
    valuesOverride: { second: { tag: '2-never-ready' } },
    timeout: 8,
    atomic: true,
  })
  const failed = failure(answer, 'rolled_back')
  expect(failed.release).toMatchObject({
    status: 'DEPLOYED',
    chartVersion: '1.0.0',
    attemptedChartVersion: null,
    revision: 3,
    valuesOverride: { replicas: 1 },
  })
  expect(JSON.stringify(failed.evidence)).toContain('app-second')
  expect(await release.history()).toMatchObject([
    { revision: 3, status: 'DEPLOYED', chartVersion: '1.0.0', current: true },
    { revision: 2, status: 'FAILED', chartVersion: '1.1.0' },
    { revision: 1, status: 'DEPLOYED' },
  ])
  const pods = await world.cluster.pods(place.namespace)
  expect(pods.every(isReady)).toBe(true)
  expect(pods.flatMap((pod) => pod.spec.containers.map(({ image }) => image))).not.toContain('app:2-never-ready')
  const records = await world.cluster.records(place.namespace, 'app')
  expect(records.at(-1)).toMatchObject({ version: 3, config: { replicas: 1 }, info: { status: 'deployed' } })
})

test.concurrent('a dry run tells what would change and its hash, and only that is then done', async () => {
  const release = await world.place().installed({ valuesOverride: { password: 'canary-1' } })
  const body = { valuesOverride: { color: 'blue', password: 'canary-2' } }
  const diff = ok(await release.preview(body))
  expect(diff.manifest).toContain('color')
  expect(diff.values).toContain('+color: blue')
  expect(JSON.stringify(diff)).not.toContain('canary')
  expect(await world.cluster.records(release.namespace, release.name)).toHaveLength(1)
  const other = { valuesOverride: { color: 'black' }, ifDiffHash: diff.hash }
  problem(await release.upgrade(other), 409, 'diff_changed')
  problem(await release.upgrade({ ...body, ifRevision: 7 }), 409, 'revision_moved')
  expect(ok(await release.upgrade({ ...body, ifDiffHash: diff.hash, ifRevision: 1 }))).toMatchObject({ revision: 2 })
  expect(await rendered(release)).toMatchObject({ color: 'blue' })
  problem(await release.upgrade({ ...body, ifDiffHash: diff.hash }), 409, 'diff_changed')
  problem(await release.upgrade({ ...body, ifRevision: 1 }), 409, 'revision_moved')
})

test.concurrent('after an upgrade that failed in helm a dry run tells what differs from the revision that helm goes by', async () => {
  const release = await world.place().installed({ chartName: 'hooked', valuesOverride: { color: 'red' } })
  const body = { valuesOverride: { color: 'blue', hook: { events: 'pre-upgrade', tag: 'fail' } } }
  failure(await release.upgrade(body), 'hook_failed')
  const diff = ok(await release.preview(body))
  for (const side of [diff.values, diff.manifest]) expect(side).toMatch(/^--- revision 1$/m)
  expect(diff.values).toMatch(/^-color: red\n\+color: blue$/m)
})

test.concurrent('the same values in another order are the same change', async () => {
  const size = { depth: 3, width: 9 }
  const release = await world.place().installed({ valuesOverride: { color: 'red', nested: { a: 1, b: 2 } } })
  const preview = (valuesOverride: object) => release.preview({ valuesOverride, valuesMode: 'replace' })
  const one = ok(await preview({ color: 'red', nested: { a: 1, b: 2 }, size }))
  const other = ok(await preview({ size: { width: 9, depth: 3 }, nested: { b: 2, a: 1 }, color: 'red' }))
  expect(other).toEqual(one)
  // Nothing but what is new is told of, wherever it stands.
  expect(one.values.match(/^[-+] .*|^[-+][a-z].*/gm)).toEqual(['+size:', '+  depth: 3', '+  width: 9'])
  const swapped = ok(await preview({ color: 'red', nested: { a: 2, b: 1 }, size }))
  expect(swapped.hash).not.toBe(one.hash)
  const again = { valuesMode: 'replace', valuesOverride: { nested: { b: 2, a: 1 }, size, color: 'red' } }
  expect(ok(await release.upgrade({ ...again, ifDiffHash: one.hash }))).toMatchObject({ revision: 2 })
})

test.concurrent('values and manifest of a revision, and the difference of two, are shown without secrets', async () => {
  const release = await world.place().installed({ valuesOverride: { password: 'canary-one', color: 'blue' } })
  ok(await release.upgrade({ valuesOverride: { password: 'canary-two', color: 'green' } }))
  const revision = ok(await release.revision(1))
  expect(revision).toMatchObject({ revision: 1, chartVersion: '1.0.0', values: { password: '***', color: 'blue' } })
  expect(revision.manifest).toContain('kind: Secret')
  const diff = ok(await release.diff(1, 2))
  expect(diff.values).toContain('-color: blue')
  expect(diff.values).toContain('+color: green')
  const shown = [revision, diff, await release.read(), await release.history(), await release.events()]
  expect(JSON.stringify(shown)).not.toContain('canary')
  expect(world.flotilla.log.join('\n')).not.toContain('canary')
  expect((await world.cluster.newest(release.namespace, release.name)).config).toMatchObject({ password: 'canary-two' })
  problem(await release.revision(3), 404, 'revision_not_found')
  problem(await release.diff(1, 9), 404, 'revision_not_found')
})
