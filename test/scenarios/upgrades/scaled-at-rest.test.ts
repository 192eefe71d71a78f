import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { RegisteredComponent, UpgradeHandle } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, type FleetPod, registerFleet } from './support/fleet.ts'

// What another hand does to the Deployment of an execution that rests: its gate is shut (docs/adr/0050).

let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
})
afterAll(() => world.close())

const patience = { withinMs: 90_000 }
const target = (pods: readonly FleetPod[]) => pods.filter(({ version }) => version === '1.1.0').map(({ uid }) => uid)

/** Waits until the execution rests in that status and its Deployment is paused, with nothing beyond the wanted number. */
async function rests(fleet: Fleet, execution: UpgradeHandle, status: string): Promise<readonly string[]> {
  await execution.untilStatus(status as never, patience)
  await eventually('it is paused', async () => {
    const strategy = { rollingUpdate: { maxSurge: 0 } }
    expect((await fleet.workload()).spec).toMatchObject({ paused: true, strategy, minReadySeconds: 2_000_000_000 })
    return true
  })
  return target(await fleet.pods())
}

/** Scales, and looks at every pod that there is for some seconds: none of the target version is one that was not there. */
async function scaledTo(fleet: Fleet, replicas: number, known: readonly string[]): Promise<readonly FleetPod[]> {
  await fleet.touch({ replicas })
  const until = Date.now() + 6_000
  while (Date.now() < until) {
    const started = target(await fleet.pods()).filter((uid) => !known.includes(uid))
    expect(started, 'started with no approval').toEqual([])
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await fleet.reachesReady(replicas)
  return fleet.pods()
}

test.concurrent('a STAGED one that asks for approval and is scaled from 10 to 3 starts nobody, and ends when approved', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 10 })
  const execution = await fleet.started({ strategy: 'STAGED', batchSize: 3, healthCheckTimeoutSeconds: 60 })
  const known = await rests(fleet, execution, 'PAUSED')
  expect(known).toHaveLength(3)
  const pods = await scaledTo(fleet, 3, known)
  expect(pods.filter(({ version }) => version === '1.0.0').length).toBeGreaterThan(0)
  await execution.give('resume')
  await execution.untilStatus('COMPLETED', patience)
  await fleet.reaches({ '1.1.0': 3 })
  expect((await fleet.workload()).spec.paused).toBeUndefined()
})

test.concurrent('a canary that is watched and scaled from 4 to 2 keeps an old pod that is ready, and serves', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 4 })
  const execution = await fleet.started({ strategy: 'CANARY', canaryPercentage: 25, healthCheckTimeoutSeconds: 60 })
  const known = await rests(fleet, execution, 'CANARY_MONITORING')
  expect(known).toHaveLength(1)
  const pods = await scaledTo(fleet, 2, known)
  expect(pods.filter(({ version, ready }) => version === '1.0.0' && ready)).toHaveLength(1)
  expect(await fleet.endpoints()).toHaveLength(2)
  await execution.give('promote-canary')
  await execution.untilStatus('COMPLETED', patience)
  await fleet.reaches({ '1.1.0': 2 })
})

test.concurrent('pods that are deleted while an operator has paused come back each in its own version; what is scaled up joins', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 4 })
  const batches = {
    batchSize: 2,
    batchDelaySeconds: 3_600,
    maxUnavailablePercentage: 50,
    healthCheckTimeoutSeconds: 60,
  }
  const execution = await fleet.started(batches)
  await execution.until('one batch is over', ({ waitingFor }) => waitingFor?.reason === 'BATCH_DELAY', patience)
  await execution.give('pause')
  await rests(fleet, execution, 'PAUSED')
  for (const version of ['1.0.0', '1.1.0']) {
    const pod = (await fleet.pods()).find((one) => one.version === version)
    await fleet.kill(pod as FleetPod)
    await fleet.reaches({ '1.0.0': 2, '1.1.0': 2 })
  }
  await fleet.touch({ replicas: 8 })
  await fleet.reaches({ '1.0.0': 4, '1.1.0': 4 })
  await execution.until('they have passed', ({ progress }) => progress.completed === 4, patience)
  await rests(fleet, execution, 'PAUSED')
  await fleet.touch({ paused: false })
  await rests(fleet, execution, 'PAUSED')
  await execution.give('cancel')
  await execution.untilStatus('CANCELLED', patience)
  await fleet.reaches({ '1.0.0': 4, '1.1.0': 4 })
})
