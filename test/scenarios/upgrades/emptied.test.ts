import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { problem } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import type { Execution, RegisteredComponent } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, type Kind, registerFleet, versionsOf } from './support/fleet.ts'
import { expectUnmarked } from './support/originals.ts'

// A fleet that another hand scales to 0 while it is upgraded: with no instance nothing is verified (docs/adr/0051).

let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
})
afterAll(() => world.close())

const patience = { withinMs: 90_000 }
const isWaiting = ({ waitingFor }: Execution) => waitingFor?.reason === 'NO_INSTANCES'

/** Given one in whose first batch instances are in flight, and never ready unless said; then nothing is wanted any more. */
async function emptied(kind: Kind, request: object, fault = 'never-ready') {
  const fleet = await Fleet.install(world, component, { kind, size: 4, values: { faults: { '1.1.0': fault } } })
  const execution = await fleet.started({ batchSize: 1, healthCheckTimeoutSeconds: 12, ...request })
  await execution.until('one is in flight', ({ progress }) => progress.inFlight > 0, patience)
  await fleet.touch({ replicas: 0 })
  const seen = await execution.until('it waits', isWaiting, patience)
  return { fleet, execution, seen }
}

test.concurrent.each<Kind>(['Deployment', 'StatefulSet'])(
  'a %s with auto-rollback: it says until when, then goes back, and what is scaled up is the previous version',
  async (kind) => {
    const { fleet, execution, seen } = await emptied(kind, { autoRollbackEnabled: true, failureThreshold: 1 })
    expect(seen).toMatchObject({
      status: 'IN_PROGRESS',
      waitingFor: { reason: 'NO_INSTANCES', detail: 'no instance is wanted' },
    })
    expect(Date.parse(seen.waitingFor?.until ?? '') - Date.now()).toBeGreaterThan(5000)
    const done = await execution.untilStatus('ROLLED_BACK', patience)
    expect(done).toMatchObject({ statusReason: 'NO_INSTANCES', rollbackInfo: { rollbackInitiatedBy: 'flotilla' } })
    expect(done.rollbackInfo.rollbackReason).toBe('NO_INSTANCES: there was no instance for 12 s')
    expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.0.0', frozen: null })
    await fleet.touch({ replicas: 4 })
    await fleet.reaches({ '1.0.0': 4 })
    expectUnmarked(await fleet.workload())
  },
)

test.concurrent('a canary at 0 is neither monitored nor promoted; FAILED it is frozen, and what comes is told', async () => {
  const { fleet, execution, seen } = await emptied('StatefulSet', { strategy: 'CANARY' })
  expect(seen.status).toBe('CANARY_RUNNING')
  problem(await execution.send('promote-canary'), 409, 'wrong_status')
  const done = await execution.untilStatus('FAILED', patience)
  expect(done.statusReason).toBe('NO_INSTANCES')
  expect(done.transitions.map(({ to }) => to)).not.toContain('CANARY_MONITORING')
  expect(await fleet.release.read()).toMatchObject({
    status: 'FAILED',
    frozen: { executionId: execution.id, versions: { '1.1.0': 0 } },
  })
  // A StatefulSet that has no pod has forgotten its revision of before: no partition brings that back.
  await fleet.touch({ replicas: 3 })
  await eventually('the release says what runs', async () => {
    const { '1.1.0': running = 0 } = (await fleet.release.read()).frozen?.versions ?? {}
    return running > 0
  })
})

test.concurrent('a canary that is monitored and scaled to 0 is not promoted', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'StatefulSet', size: 4 })
  const execution = await fleet.started({ strategy: 'CANARY', healthCheckTimeoutSeconds: 12 })
  await execution.untilStatus('CANARY_MONITORING', patience)
  await fleet.touch({ replicas: 0 })
  await execution.until('it waits', isWaiting, patience)
  const refused = problem(await execution.send('promote-canary'), 409, 'wrong_status')
  expect(refused.detail).toContain('there is no instance of the canary')
  await fleet.touch({ replicas: 4 })
  await execution.until(
    'it waits for a person',
    ({ waitingFor }) => waitingFor?.reason === 'CANARY_PROMOTION',
    patience,
  )
  await execution.give('promote-canary')
  await execution.untilStatus('COMPLETED', patience)
  await fleet.reaches({ '1.1.0': 4 })
})

test.concurrent.each<Kind>(['Deployment', 'StatefulSet'])(
  'a %s that is scaled up again in time goes on',
  async (kind) => {
    const fleet = await Fleet.install(world, component, { kind, size: 4 })
    const execution = await fleet.started({ batchSize: 1, batchDelaySeconds: 2, healthCheckTimeoutSeconds: 20 })
    await execution.until('one has moved', ({ progress }) => progress.completed > 0, patience)
    await fleet.touch({ replicas: 0 })
    await execution.until('it waits', isWaiting, patience)
    await fleet.touch({ replicas: 3 })
    const done = await execution.untilStatus('COMPLETED', patience)
    expect(done).toMatchObject({ currentInstances: 3, progress: { total: 3, completed: 3 } })
    await fleet.reaches({ '1.1.0': 3 })
  },
)

test.concurrent('blue-green at 0 keeps its pin: FAILED, frozen, and what never passed gets no traffic', async () => {
  // They are ready at once, and have passed after the second check.
  const { fleet, execution } = await emptied(
    'Deployment',
    { strategy: 'BLUE_GREEN', healthCheckIntervalSeconds: 6 },
    'none',
  )
  const done = await execution.untilStatus('FAILED', patience)
  expect(done).toMatchObject({ statusReason: 'NO_INSTANCES' })
  expect(done.warnings.map(({ code }) => code)).not.toContain('PIN_REMOVED')
  expect((await fleet.release.read()).frozen).toMatchObject({ executionId: execution.id })
  await fleet.touch({ replicas: 3 })
  await fleet.reachesReady(3)
  await sleep(3000)
  const unpassed = (await fleet.pods()).filter(({ version }) => version === '1.1.0').map(({ uid }) => uid)
  const served = await fleet.endpoints()
  expect(
    served.filter((uid) => unpassed.includes(uid)),
    JSON.stringify(versionsOf(await fleet.pods())),
  ).toEqual([])
})
