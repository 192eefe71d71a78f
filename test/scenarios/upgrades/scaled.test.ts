import { afterAll, beforeAll, expect, test } from 'vitest'
import { ok } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import type { RegisteredComponent } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, type FleetPod, type Kind, makePool, registerFleet, versionsOf } from './support/fleet.ts'

// What another hand scales while a fleet is frozen (docs/adr/0030).

let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
  await makePool(world, 3)
})
afterAll(() => world.close())

const patience = { withinMs: 60_000 }

/** Waits until the release says what runs, version by version. */
function counted(fleet: Fleet): Promise<unknown> {
  return eventually('the release counts anew', async () => {
    const running = versionsOf(await fleet.pods())
    expect((await fleet.release.read()).frozen?.versions).toEqual(running)
    return true
  })
}

test.concurrent.each<[Kind, 'previous' | 'target', string]>([
  ['Deployment', 'previous', '1.0.0'],
  ['Deployment', 'target', '1.1.0'],
  ['StatefulSet', 'previous', '1.0.0'],
  ['StatefulSet', 'target', '1.1.0'],
])(
  'a %s that is scaled while it is frozen is unfrozen to the %s version, and keeps its size',
  async (kind, to, version) => {
    const fleet = await Fleet.install(world, component, { kind, size: 3 })
    const execution = await fleet.started({ strategy: 'STAGED', batchSize: 1, healthCheckTimeoutSeconds: 60 })
    await execution.until('one has moved', ({ progress }) => progress.completed === 1, patience)
    await execution.give('cancel')
    await execution.untilStatus('CANCELLED', patience)
    await fleet.touch({ replicas: 5 })
    await fleet.reachesReady(5)
    await counted(fleet)
    const stays = (await fleet.pods()).filter((pod) => pod.version === version).map(({ uid }) => uid)
    ok(await world.api.post(`${fleet.release.path}/unfreeze?to=${to}`, undefined))
    expect((await fleet.reaches({ [version]: 5 })).map(({ uid }) => uid)).toEqual(expect.arrayContaining(stays))
    expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: version, frozen: null })
  },
)

test.concurrent('of a DaemonSet that is frozen a pod that is deleted comes back new, and the release says so', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'DaemonSet', size: 3 })
  const execution = await fleet.started({ strategy: 'STAGED', batchSize: 1, healthCheckTimeoutSeconds: 60 })
  await execution.until('one has moved', ({ progress }) => progress.completed === 1, patience)
  await execution.give('cancel')
  await execution.untilStatus('CANCELLED', patience)
  const [old] = (await fleet.reaches({ '1.0.0': 2, '1.1.0': 1 })).filter(({ version }) => version === '1.0.0')
  await fleet.kill(old as FleetPod)
  await fleet.reaches({ '1.0.0': 1, '1.1.0': 2 })
  await counted(fleet)
  const told = (await fleet.release.events()).map(({ data }) => data)
  const versions = { '1.0.0': 1, '1.1.0': 2 }
  expect(told).toContainEqual(expect.objectContaining({ reason: 'FROZEN_RECOUNTED', versions }))
})
