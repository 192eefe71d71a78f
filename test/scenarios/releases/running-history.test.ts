import { afterAll, beforeAll, expect, test } from 'vitest'
import { heldHook } from '../support/cluster-view.ts'
import { eventually } from '../support/eventually.ts'
import type { ReleaseHandle } from '../support/releases.ts'
import { openWorld, type World } from '../support/world.ts'

/** History has the revision that helm is making: PENDING_* while it runs, and then how it ended (SPEC section 3). */

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const until = (release: ReleaseHandle, verdict: string) =>
  eventually(`history begins with ${verdict}`, async () => (await release.verdicts())[0] === verdict)

const held = (events: string) => ({ hook: { ...heldHook, events } })

test.concurrent('an install that runs is in its history, and then its end', async () => {
  const place = world.place()
  const given = { chartName: 'hooked', appVersion: 'mine', valuesOverride: held('pre-install') }
  const { release, operation } = await place.installing(given)
  await until(release, '1 PENDING_INSTALL')
  const { performedBy } = await operation.read()
  const shown = { revision: 1, chartVersion: '1.0.0', appVersion: 'mine', performedBy, current: false }
  expect(await release.history()).toMatchObject([{ ...shown, description: 'Initial install underway' }])
  await world.cluster.endHook(place.namespace)
  await operation.ended()
  expect(await release.history()).toMatchObject([
    { ...shown, status: 'DEPLOYED', description: 'Install complete', current: true },
  ])
})

test.concurrent('so is an upgrade, with what was said of it', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'hooked', valuesOverride: { hook: { events: 'pre-install' } } })
  const given = { chartVersion: '1.1.0', description: 'to blue', valuesOverride: held('pre-upgrade,pre-rollback') }
  const upgrade = await release.begin('POST', '/upgrade', given)
  await until(release, '2 PENDING_UPGRADE')
  expect(await release.history()).toMatchObject([
    { revision: 2, chartVersion: '1.1.0', description: 'to blue', current: false },
    { revision: 1, status: 'DEPLOYED', current: true },
  ])
  await world.cluster.endHook(place.namespace)
  await upgrade.ended()
  expect(await release.verdicts()).toEqual(['2 DEPLOYED', '1 DEPLOYED'])
})

test.concurrent('a rollback shows as one, also that of an atomic upgrade', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'hooked', valuesOverride: held('pre-rollback') })
  const failing = { hook: { events: 'pre-upgrade', tag: 'fail', runMs: 100 } }
  const upgrade = await release.begin('POST', '/upgrade', { valuesOverride: failing, atomic: true })
  await until(release, '3 PENDING_ROLLBACK')
  expect(await release.history()).toMatchObject([
    { description: 'Rollback to 1' },
    { status: 'FAILED' },
    { current: false },
  ])
  await world.cluster.endHook(place.namespace)
  expect(await upgrade.ended()).toMatchObject({ error: { code: 'rolled_back' } })
  expect(await release.verdicts()).toEqual(['3 DEPLOYED', '2 FAILED', '1 DEPLOYED'])
  const rollback = await release.begin('POST', '/rollback', { targetRevision: 1 })
  await until(release, '4 PENDING_ROLLBACK')
  await world.cluster.endHook(place.namespace)
  await rollback.ended()
  expect(await release.verdicts()).toEqual(['4 DEPLOYED', '3 DEPLOYED', '2 FAILED', '1 DEPLOYED'])
})

test.concurrent('one that is cancelled while it runs ends FAILED there', async () => {
  const place = world.place()
  const { release, operation } = await place.installing({ chartName: 'hooked', valuesOverride: held('pre-install') })
  await until(release, '1 PENDING_INSTALL')
  await operation.cancel()
  await operation.ended()
  expect(await release.verdicts()).toEqual(['1 FAILED'])
})
