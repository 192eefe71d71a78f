import { afterAll, beforeAll, expect, test } from 'vitest'
import { podsAnswer } from '../../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { ill as illness, whereContainersRun } from '../support/on-both.ts'
import type { Execution, RegisteredComponent, UpgradeHandle } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, type FleetOptions, type FleetPod, type Kind, makePool, registerFleet } from './support/fleet.ts'
import { expectNothingOfOurs, originalsOf } from './support/originals.ts'
import { neverBelow, sampled } from './support/sampler.ts'

// Pods that were well get ill, before, in the middle and after: readiness and the health endpoint are asked for real.

let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
  await makePool(world, 4)
})
afterAll(() => world.close())

const patience = { withinMs: 50_000 }
const install = (options: FleetOptions) => Fleet.install(world, component, options)
const ended = (execution: UpgradeHandle) => execution.until('ended', ({ endedAt }) => endedAt !== null, patience)
const of = async (fleet: Fleet, version: string): Promise<readonly FleetPod[]> =>
  (await fleet.pods()).filter((pod) => pod.version === version)
const failedOf = ({ instances }: Execution) => instances.filter(({ status }) => status === 'FAILED')

test.concurrent.each<Kind>(['Deployment', 'StatefulSet'])(
  'a canary of a %s that gets ill while it is watched rolls itself back',
  async (kind) => {
    const fleet = await install({ kind, size: 4 })
    const [originals, before] = [await originalsOf(fleet), await fleet.uids()]
    const execution = await fleet.started({ strategy: 'CANARY', canaryPercentage: 25, autoRollbackEnabled: true })
    await execution.untilStatus('CANARY_MONITORING', patience)
    for (const pod of await of(fleet, '1.1.0')) await fleet.breaks(pod, illness)
    const { result, broken } = await sampled(fleet, execution, [neverBelow(3)], ended(execution))
    expect(broken).toEqual([])
    expect(result.transitions.map(({ to }) => to).slice(-3)).toEqual([
      'CANARY_MONITORING',
      'ROLLING_BACK',
      'ROLLED_BACK',
    ])
    expect(result.rollbackInfo).toMatchObject({ currentFailures: 1, rollbackInitiatedBy: 'flotilla' })
    expect(result.rollbackInfo.rollbackReason).toMatch(/^CANARY_FAILED/)
    const pods = await fleet.reaches({ '1.0.0': 4 })
    expect(pods.filter(({ uid }) => before.includes(uid))).toHaveLength(3)
    await expectNothingOfOurs(fleet, originals)
  },
)

test.concurrent('one that has passed and stays bad for the whole timeout is FAILED, and counts', async () => {
  const fleet = await install({ kind: 'Deployment', size: 4 })
  const wanted = { batchSize: 2, batchDelaySeconds: 3_600, failureThreshold: 1, healthCheckTimeoutSeconds: 8 }
  const execution = await fleet.started(wanted)
  await execution.until('half of it', ({ progress }) => progress.completed === 2, patience)
  const [ill] = await of(fleet, '1.1.0')
  await fleet.breaks(ill as FleetPod, illness)
  const done = await ended(execution)
  expect(done).toMatchObject({ status: 'FAILED', statusReason: 'FAILURE_THRESHOLD_REACHED' })
  const message = expect.stringContaining(podsAnswer ? 'health check' : 'CrashLoopBackOff')
  expect(failedOf(done)).toMatchObject([{ currentPod: ill?.name, message }])
  expect(done.rollbackInfo.currentFailures).toBe(1)
})

test.concurrent('one that gets well again in time has not failed', async () => {
  const fleet = await install({ kind: 'Deployment', size: 2 })
  const execution = await fleet.started({ batchSize: 1, batchDelaySeconds: 14, healthCheckTimeoutSeconds: 40 })
  await execution.until('half of it', ({ progress }) => progress.completed === 1, patience)
  const [ill] = await of(fleet, '1.1.0')
  await fleet.breaks(ill as FleetPod, 'crash')
  const bad = expect.objectContaining({ pod: ill?.name, status: 'COMPLETED', ready: false })
  const told = async () => expect((await execution.events()).map(({ data }) => data)).toContainEqual(bad) ?? true
  await eventually('it is seen', told, patience)
  await fleet.breaks(ill as FleetPod, null)
  expect(await ended(execution)).toMatchObject({ status: 'COMPLETED', rollbackInfo: { currentFailures: 0 } })
  expect(await fleet.uids()).toContain(ill?.uid)
})

/** Given a green set that serves and is watched. */
async function switched(more: object = {}) {
  const fleet = await install({ kind: 'Deployment', size: 3 })
  const before = await fleet.uids()
  const execution = await fleet.started({ strategy: 'BLUE_GREEN', healthCheckTimeoutSeconds: 30, ...more })
  await execution.until('switched', ({ waitingFor }) => waitingFor?.reason === 'WATCHING_THE_SWITCH', patience)
  return { fleet, before, execution, green: await of(fleet, '1.1.0') }
}

whereContainersRun.concurrent(
  'a green set that gets ill after the switch goes back, and the old pods serve',
  async () => {
    const { fleet, before, execution, green } = await switched({ autoRollbackEnabled: true })
    await fleet.breaks(green[0] as FleetPod, 'sick')
    const { result, broken } = await sampled(fleet, execution, [neverBelow(3)], ended(execution))
    expect(broken).toEqual([])
    expect(result).toMatchObject({ status: 'ROLLED_BACK', statusReason: 'GREEN_FAILED' })
    expect((await fleet.endpoints()).toSorted()).toEqual(before)
  },
)

test.concurrent('a green set that dies after the switch: the traffic is moved to the old one at the next look', async () => {
  const { fleet, before, execution, green } = await switched()
  for (const pod of green) await fleet.breaks(pod, 'crash')
  await eventually('the old pods serve', async () => (await fleet.endpoints()).toSorted().join() === before.join(), {
    withinMs: 20_000,
    everyMs: 50,
  })
  const done = await ended(execution)
  expect(done.status).toBe('FAILED')
  expect(done.warnings.map(({ code }) => code)).toContain('PIN_MOVED')
  expect((await execution.events()).map(({ type }) => type)).toContain('execution.pin-moved')
  expect((await fleet.endpoints()).toSorted()).toEqual(before)
})

test.concurrent('neither set can serve: the pin comes off, which counts as the threshold reached', async () => {
  const { fleet, execution } = await switched()
  for (const pod of await fleet.pods()) await fleet.breaks(pod, 'crash')
  const done = await ended(execution)
  expect(done).toMatchObject({ status: 'FAILED', statusReason: 'PIN_REMOVED' })
  expect((await execution.events()).map(({ type }) => type)).toContain('execution.pin-removed')
  const { selector } = (await fleet.service())?.spec ?? {}
  expect(selector).toEqual({ app: 'app' })
})

test.concurrent.each<Kind>(['Deployment', 'DaemonSet'])(
  'a pod of a %s that is unready before is taken first, and costs nothing',
  async (kind) => {
    const fleet = await install({ kind, size: 4 })
    const [ill] = await fleet.pods()
    await fleet.breaks(ill as FleetPod, 'crash')
    await eventually('it is unready', async () => (await fleet.pods()).some(({ ready }) => !ready))
    const execution = await fleet.started({ batchSize: 1, healthCheckTimeoutSeconds: 30 })
    const first = execution.until('the first', ({ progress }) => progress.inFlight > 0, { ...patience, everyMs: 20 })
    const { result, broken } = await sampled(fleet, execution, [neverBelow(3)], ended(execution))
    expect(broken).toEqual([])
    expect(result.status).toBe('COMPLETED')
    const [taken] = (await first).instances.filter(({ status }) => status !== 'PENDING')
    const moved = result.instances.find(({ id }) => id === taken?.id)
    expect([taken?.currentPod, ...(moved?.previousPods ?? [])]).toContain(ill?.name)
  },
)

whereContainersRun.concurrent(
  'what answers no health check at all is not upgraded, unless an admin says so: away from what is broken',
  async () => {
    const fleet = await install({ kind: 'Deployment', size: 2 })
    for (const pod of await fleet.pods()) await fleet.breaks(pod, 'sick')
    const health = (status: string) => expect.objectContaining({ name: 'HEALTH_ENDPOINTS', phase: 'PRE', status })
    const refused = await ended(await fleet.started())
    expect(refused).toMatchObject({ status: 'FAILED', statusReason: 'CHECKS_FAILED' })
    expect(refused.checks).toContainEqual(health('FAILED'))
    const overrideChecks = [{ check: 'HEALTH_ENDPOINTS', reason: 'this version is broken' }]
    const done = await ended(await fleet.started({ overrideChecks }))
    expect(done.checks).toContainEqual(health('OVERRIDDEN'))
    expect(done.status).toBe('COMPLETED')
    await fleet.reaches({ '1.1.0': 2 })
  },
)
