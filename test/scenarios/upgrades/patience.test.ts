import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Execution, RegisteredComponent, UpgradeHandle } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, registerFleet } from './support/fleet.ts'

// Fleets that take long as a whole, though none of their pods does; and fleets that never go on.

vi.setConfig({ testTimeout: 150_000 })
let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
})
afterAll(() => world.close())

const ended = (execution: UpgradeHandle): Promise<Execution> =>
  execution.until('ended', ({ endedAt }) => endedAt !== null, { withinMs: 100_000 })

test.concurrent.each([
  { strategy: 'ROLLING', size: 4, batchSize: 4, maxUnavailablePercentage: 100 },
  { strategy: 'RECREATE', size: 4 },
])('a StatefulSet comes up pod by pod, each in its time: $strategy', async ({ size, ...more }) => {
  const fleet = await Fleet.install(world, component, { kind: 'StatefulSet', size, values: { readyMs: 3_000 } })
  const done = await ended(await fleet.started({ ...more, healthCheckTimeoutSeconds: 6, failureThreshold: 1 }))
  expect(done).toMatchObject({ status: 'COMPLETED', rollbackInfo: { currentFailures: 0 } })
  await fleet.reaches({ '1.1.0': size })
})

test.concurrent('pods of a StatefulSet that come all at once are no less healthy', async () => {
  const values = { readyMs: 3_000, spec: { podManagementPolicy: 'Parallel' } }
  const fleet = await Fleet.install(world, component, { kind: 'StatefulSet', size: 4, values })
  const wanted = { batchSize: 4, maxUnavailablePercentage: 100, healthCheckTimeoutSeconds: 6, failureThreshold: 1 }
  expect((await ended(await fleet.started(wanted))).status).toBe('COMPLETED')
})

test.concurrent('another workload of the release is waited for as long as it moves', async () => {
  const values = { second: true, secondKind: 'StatefulSet', secondReplicas: 4, secondReadyMs: 2_500 }
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 2, values })
  const workload = { kind: 'Deployment', name: 'app' }
  const target = { kind: 'workload', releaseId: fleet.release.id, workload }
  expect((await ended(await fleet.started({ target, healthCheckTimeoutSeconds: 6 }))).status).toBe('COMPLETED')
  await fleet.reaches({ '1.1.0': 4 }, 'app-second')
})
