import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resources } from '../../../src/infra/kubernetes/index.ts'
import { ok } from '../support/api.ts'
import { heldHook } from '../support/cluster-view.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type Place, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const inside = (place: Place) => ['--namespace', place.namespace] as const
const overtaken = { status: 'FAILED', error: { code: 'changed_by_another_hand' } }
/** Helm waits for this hook for longer than the other hand needs. */
const hook = (events: string) => ({ hook: { runMs: 60_000, events } })

/** Waits until helm's newest record is in this status, and the hook that helm then waits for is there. */
const untilHook = (place: Place, status: string) =>
  eventually(`helm waits for a hook: ${status}`, async () => {
    const jobs = await world.cluster.names(place.namespace, resources.jobs)
    const { info } = await world.cluster.newest(place.namespace, 'app')
    return info.status === status && jobs.includes('app-hook')
  })

/** Helm's own view, oldest first. */
async function statuses(place: Place): Promise<readonly string[]> {
  const records = await world.cluster.records(place.namespace, 'app')
  return records.map(({ version, info }) => `${version} ${info.status}`)
}

test.concurrent('a rollback by hand during the hook of our upgrade: our helm is ended, and its revision has failed', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'hooked' })
  const change = { chartVersion: '1.1.0', valuesOverride: { color: 'ours', ...hook('pre-upgrade') } }
  const operation = await release.begin('POST', '/upgrade', change)
  await untilHook(place, 'pending-upgrade')
  await world.hand.helm('rollback', 'app', '1', ...inside(place))
  const ended = await operation.ended()
  expect(ended).toMatchObject(overtaken)
  expect(ended.error?.detail).toBe(
    'revision 3 was made by another hand; our helm was ended: what it had written, hooks too, is not undone',
  )
  expect(await statuses(place)).toEqual(['1 superseded', '2 failed', '3 deployed'])
  expect((await world.cluster.records(place.namespace, 'app'))[1]?.info.description).toContain('another hand')
  expect(await world.cluster.config(place.namespace, 'app')).toEqual({ version: '1.0.0', color: 'red' })
  const after = await release.untilStatus('DEPLOYED')
  expect(after).toMatchObject({ revision: 3, chartVersion: '1.0.0', valuesOverride: {}, performedBy: 'external' })
  expect(await release.verdicts()).toEqual(['3 DEPLOYED', '2 FAILED', '1 DEPLOYED'])
  const description = 'overtaken by another hand; settled by Flotilla'
  const second = { revision: 2, chartVersion: '1.1.0', performedBy: 'admin', description }
  expect((await release.history())[1]).toMatchObject(second)
})

test.concurrent('a rollback by hand during the hook of our rollback: ours has failed', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'hooked', valuesOverride: hook('pre-rollback') })
  ok(await release.upgrade({ valuesOverride: { color: 'blue', hook: { runMs: 100, events: 'pre-upgrade' } } }))
  const operation = await release.begin('POST', '/rollback', { targetRevision: 1 })
  await untilHook(place, 'pending-rollback')
  await world.hand.helm('rollback', 'app', '2', ...inside(place))
  expect(await operation.ended()).toMatchObject(overtaken)
  expect(await statuses(place)).toEqual(['1 superseded', '2 superseded', '3 failed', '4 deployed'])
  expect(await world.cluster.config(place.namespace, 'app')).toMatchObject({ color: 'blue' })
  expect(await release.untilStatus('DEPLOYED')).toMatchObject({ revision: 4, valuesOverride: { color: 'blue' } })
  expect(await release.verdicts()).toEqual(['4 DEPLOYED', '3 FAILED', '2 DEPLOYED', '1 DEPLOYED'])
})

test.concurrent('helm uninstall by hand during the hook of our upgrade: nothing comes back, and what stays is named', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'hooked' })
  const operation = await release.begin('POST', '/upgrade', { valuesOverride: hook('pre-upgrade') })
  await untilHook(place, 'pending-upgrade')
  await world.hand.helm('uninstall', 'app', ...inside(place))
  expect(await operation.ended()).toMatchObject(overtaken)
  const gone = await release.untilStatus('UNINSTALLED')
  expect(gone.leftovers).toEqual([{ kind: 'Job', name: 'app-hook', why: 'made by a hook' }])
  expect(await world.cluster.config(place.namespace, 'app')).toBeNull()
  expect(await statuses(place)).toEqual([])
})

test.concurrent('a fast uninstall by hand that keeps the history, during the hook of our upgrade: nothing comes back', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'hooked' })
  const operation = await release.begin('POST', '/upgrade', { valuesOverride: hook('pre-upgrade') })
  await untilHook(place, 'pending-upgrade')
  await world.hand.helm('uninstall', 'app', '--keep-history', '--no-hooks', ...inside(place))
  expect(await operation.ended()).toMatchObject(overtaken)
  expect(await release.untilStatus('UNINSTALLED')).toMatchObject({ performedBy: 'external' })
  expect(await world.cluster.config(place.namespace, 'app')).toBeNull()
  expect((await statuses(place)).at(-1)).toBe('2 uninstalled')
  const [newest] = await release.history()
  expect(newest).toMatchObject({ revision: 2, status: 'UNINSTALLED', description: 'Uninstallation complete' })
})

test.concurrent('helm uninstall by hand during the hook of our install: the name is free again', async () => {
  const place = world.place()
  const given = { chartName: 'hooked', valuesOverride: hook('pre-install') }
  const { release, operation } = await place.installing(given)
  await untilHook(place, 'pending-install')
  await world.hand.helm('uninstall', 'app', ...inside(place))
  expect(await operation.ended()).toMatchObject(overtaken)
  const gone = await release.untilStatus('UNINSTALLED')
  expect(gone.leftovers).toEqual([{ kind: 'Job', name: 'app-hook', why: 'made by a hook' }])
  expect(await world.cluster.config(place.namespace, 'app')).toBeNull()
  const again = await place.installed({ chartName: 'hooked' })
  expect(await again.read()).toMatchObject({ status: 'DEPLOYED', revision: 1 })
})

test.concurrent('a namespace that is deleted during the hook of our upgrade: it has failed, and all of it is gone', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'hooked' })
  const operation = await release.begin('POST', '/upgrade', { valuesOverride: hook('pre-upgrade') })
  await untilHook(place, 'pending-upgrade')
  await world.cluster.client.delete(resources.namespaces, { name: place.namespace })
  const { status, error } = await operation.ended()
  expect(status).toBe('FAILED')
  // The pods of a namespace go first: the hook may have failed before the records of Helm are gone.
  expect(['hook_failed', 'changed_by_another_hand']).toContain(error?.code)
  expect(await release.untilStatus('UNINSTALLED')).toMatchObject({ leftovers: [] })
})

test.concurrent('helm uninstall --keep-history by hand during the hook of our upgrade: its last word stays `uninstalled`', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'hooked' })
  const operation = await release.begin('POST', '/upgrade', { valuesOverride: { hook: heldHook } })
  await untilHook(place, 'pending-upgrade')
  await world.hand.helm('uninstall', 'app', '--keep-history', ...inside(place))
  // Our helm would write its record now.
  await world.cluster.endHook(place.namespace)
  expect(await operation.ended()).toMatchObject(overtaken)
  await release.untilStatus('UNINSTALLED')
  await staysUninstalled(place)
  expect(await release.read()).toMatchObject({ status: 'UNINSTALLED' })
  const again = await place.installed({ chartName: 'hooked' })
  expect(await again.read()).toMatchObject({ status: 'DEPLOYED', revision: 3 })
})

test.concurrent('helm uninstall --keep-history by hand during the hook of our install: nothing is deployed again', async () => {
  const place = world.place()
  const held = { hook: { ...heldHook, events: 'pre-install' } }
  const { release, operation } = await place.installing({ chartName: 'hooked', valuesOverride: held })
  await untilHook(place, 'pending-install')
  await world.hand.helm('uninstall', 'app', '--keep-history', ...inside(place))
  await world.cluster.endHook(place.namespace)
  expect(await operation.ended()).toMatchObject(overtaken)
  await release.untilStatus('UNINSTALLED')
  await staysUninstalled(place)
})

/** Longer than a write of an ended helm may be under way. */
async function staysUninstalled(place: Place): Promise<void> {
  for (let look = 0; look < 20; look++) {
    expect((await statuses(place)).at(-1)).toMatch(/ uninstalled$/)
    expect(await world.cluster.config(place.namespace, 'app')).toBeNull()
    await sleep(200)
  }
}
