import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { resources } from '../../../src/infra/kubernetes/index.ts'
import type { Pod } from '../support/cluster-view.ts'
import type { Execution, RegisteredComponent, UpgradeHandle } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, type FleetOptions, fleetPod, type Kind, limitPods, makePool, registerFleet } from './support/fleet.ts'

// Pods that take their time to stop: nothing counts as gone before it is.

vi.setConfig({ testTimeout: 150_000 })
let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
  await makePool(world, 2)
})
afterAll(() => world.close())

const patience = { withinMs: 100_000 }
const hasEnded = ({ endedAt }: Execution): boolean => endedAt !== null

/** They stop in six seconds, and are given half a minute for it; an instance is given four to become healthy. */
const slow = { stopMs: 6000, grace: 30 }
const quick = { batchSize: 1, healthCheckTimeoutSeconds: 4 }

const install = (kind: Kind, values: object = slow, more: Partial<FleetOptions> = {}) =>
  Fleet.install(world, component, { kind, size: 2, values, ...more })

/** The pods of the fleet that are on their way out. */
async function stoppingPods({ namespace }: Fleet): Promise<readonly string[]> {
  const { items } = await world.cluster.client.list<Pod>(resources.pods, { namespace, labelSelector: 'app=app' })
  return items.filter(({ metadata }) => metadata.deletionTimestamp !== undefined).map((pod) => fleetPod(pod).version)
}

/** Looks until it has ended: how many pods were on their way out at once at most, and which still were at the end. */
async function followed(fleet: Fleet, execution: UpgradeHandle) {
  const waits = new Set<string>()
  for (let most = 0; ; ) {
    const seen = await execution.read()
    const going = await stoppingPods(fleet)
    most = Math.max(most, going.length)
    for (const { message } of seen.instances) if (message !== null) waits.add(message)
    if (hasEnded(seen)) return { done: seen, most, atTheEnd: going, said: [...waits] }
    await sleep(100)
  }
}

test.concurrent.each<Kind>(['Deployment', 'StatefulSet', 'DaemonSet'])(
  'a %s whose pods stop slower than an instance may take to become healthy: one after another, each until it is gone',
  async (kind) => {
    const fleet = await install(kind)
    const { done, most, atTheEnd, said } = await followed(fleet, await fleet.started(quick))
    expect(done).toMatchObject({ status: 'COMPLETED', rollbackInfo: { currentFailures: 0 } })
    expect(most).toBe(1)
    expect(atTheEnd).toEqual([])
    expect(said.join()).toMatch(/app-\S+ is stopping/)
  },
)

test.concurrent('where there is room for one more pod only, the next one comes when the last has gone', async () => {
  const fleet = await install('Deployment')
  await limitPods(fleet, 3, 2)
  const { done, atTheEnd } = await followed(fleet, await fleet.started(quick))
  expect(done).toMatchObject({ status: 'COMPLETED', rollbackInfo: { currentFailures: 0 } })
  expect(atTheEnd).toEqual([])
})

test.concurrent('a pod that does not stop is waited for as long as it is given, and no longer', async () => {
  const fleet = await install('StatefulSet', { stopMs: 60_000, grace: 3 })
  const { done, atTheEnd, said } = await followed(fleet, await fleet.started(quick))
  expect(done).toMatchObject({ status: 'COMPLETED', rollbackInfo: { currentFailures: 0 } })
  expect(atTheEnd).toEqual([])
  expect(said.join()).toMatch(/app-\d is stopping/)
  const tookMs = Date.parse(done.endedAt ?? '') - Date.parse(done.startedAt ?? '')
  // Each of the two pods for its grace period; either of them alone would take a minute.
  expect(tookMs).toBeGreaterThan(2 * 3_000)
  expect(tookMs).toBeLessThan(60_000)
})

test.concurrent.each<Kind>(['Deployment', 'StatefulSet', 'DaemonSet'])(
  'a %s is ROLLED_BACK when the pods of the abandoned version have stopped',
  async (kind) => {
    const fleet = await install(kind)
    const canary = { strategy: 'CANARY', canaryPercentage: 50, ...quick }
    const execution = await fleet.started(canary)
    await execution.untilStatus('CANARY_MONITORING', patience)
    await execution.give('rollback')
    const { done, atTheEnd } = await followed(fleet, execution)
    expect(done.status).toBe('ROLLED_BACK')
    expect(atTheEnd).toEqual([])
    await fleet.reaches({ '1.0.0': 2 })
  },
)
