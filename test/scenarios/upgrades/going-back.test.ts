import { afterAll, beforeAll, expect, test } from 'vitest'
import { ill } from '../support/on-both.ts'
import type { RegisteredComponent } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { approved, Fleet, type Kind, makePool, registerFleet, versionsOf } from './support/fleet.ts'
import { EndpointLog } from './support/follow.ts'
import { expectNothingOfOurs, expectUnmarked, originalsOf } from './support/originals.ts'
import { neverAhead, neverBelow, sampled, secondFollows } from './support/sampler.ts'

let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
  for (const size of [3, 10]) await makePool(world, size)
})
afterAll(() => world.close())

const patience = { withinMs: 90_000 }
const eachKind = test.concurrent.each<Kind>(['Deployment', 'StatefulSet', 'DaemonSet'])

eachKind('of 10 instances of a %s with 5 upgraded a rollback restarts no untouched one', async (kind) => {
  const fleet = await Fleet.install(world, component, { kind, size: 10 })
  const originals = await originalsOf(fleet)
  const half = { batchSize: 5, maxUnavailablePercentage: 50, batchDelaySeconds: 3_600, healthCheckTimeoutSeconds: 30 }
  const execution = await fleet.started(half)
  await execution.until('half of it', ({ progress }) => progress.completed === 5, patience)
  const mixed = await fleet.reaches({ '1.0.0': 5, '1.1.0': 5 })
  const untouched = mixed.filter(({ version }) => version === '1.0.0').map(({ uid }) => uid)
  await execution.give('rollback')
  const promised = [neverAhead('1.1.0'), neverBelow(kind === 'Deployment' ? 10 : 5)]
  const back = execution.untilStatus('ROLLED_BACK', patience)
  const { samples, broken, result } = await sampled(fleet, execution, promised, back)
  expect(broken).toEqual([])
  expect(result.rollbackInfo.rolledBackInstances).toHaveLength(5)
  const pods = await fleet.reaches({ '1.0.0': 10 })
  expect(pods.map(({ uid }) => uid)).toEqual(expect.arrayContaining(untouched))
  const seen = new Set(samples.flatMap((sample) => sample.pods.map(({ uid }) => uid)))
  expect(new Set([...seen, ...pods.map(({ uid }) => uid)]).size).toBe(15)
  await expectNothingOfOurs(fleet, originals)
  expect(await fleet.release.verdicts()).toEqual(['3 DEPLOYED', '2 FAILED', '1 DEPLOYED'])
})

eachKind('a broken pod of the abandoned version of a %s never stays', async (kind) => {
  const values = { faults: { '1.1.0': 'crash' } }
  const fleet = await Fleet.install(world, component, { kind, size: 3, values })
  const before = await fleet.uids()
  const originals = await originalsOf(fleet)
  const goesBack = { autoRollbackEnabled: true, failureThreshold: 1, batchSize: 1, healthCheckTimeoutSeconds: 4 }
  const execution = await fleet.started(goesBack)
  const done = await execution.until('ended', ({ endedAt }) => endedAt !== null, patience)
  expect(done.status).toBe('ROLLED_BACK')
  const pods = await fleet.reaches({ '1.0.0': 3 })
  expect(pods.filter(({ uid }) => before.includes(uid)).length).toBeGreaterThanOrEqual(2)
  await expectNothingOfOurs(fleet, originals)
})

/** Given a chart of two workloads, of which the first is the target. */
async function withSecond(kind: Kind) {
  const fleet = await Fleet.install(world, component, { kind, size: 3, values: { second: true } })
  const second = (await fleet.pods('app-second')).map(({ uid }) => uid)
  const target = { kind: 'workload', releaseId: fleet.release.id, workload: { name: 'app' } }
  return { fleet, second, wanted: { target, strategy: 'CANARY', batchSize: 1, healthCheckTimeoutSeconds: 30 } }
}

eachKind('a second workload beside a %s does not run ahead', async (kind) => {
  const { fleet, second, wanted } = await withSecond(kind)
  const execution = await fleet.started(wanted)
  const promised = [neverAhead('1.1.0'), secondFollows('1.1.0', second)]
  const { broken, result, samples } = await sampled(fleet, execution, promised, approved(execution))
  expect(result.status).toBe('COMPLETED')
  expect(broken).toEqual([])
  expect(samples.every((sample) => sample.second.filter(({ ready }) => ready).length >= 1)).toBe(true)
  await fleet.reaches({ '1.1.0': 3 })
  expect(versionsOf(await fleet.pods('app-second'))).toEqual({ '1.1.0': 2 })
  expectUnmarked(await fleet.workload('app-second', 'Deployment'))
})

test.concurrent('a second workload that never moved is not restarted by a rollback', async () => {
  const { fleet, second, wanted } = await withSecond('StatefulSet')
  const execution = await fleet.started(wanted)
  await execution.untilStatus('CANARY_MONITORING', patience)
  await execution.give('rollback')
  await execution.untilStatus('ROLLED_BACK', patience)
  await fleet.reaches({ '1.0.0': 3 })
  expect((await fleet.pods('app-second')).map(({ uid }) => uid).sort()).toEqual(second.toSorted())
  expectUnmarked(await fleet.workload('app-second', 'Deployment'))
})

/** What a rollback of BLUE_GREEN is held against: traffic goes to one set, and the old one was never touched. */
async function blueGreen(values: object, wanted: object) {
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 3, values })
  const [originals, before] = [await originalsOf(fleet), await fleet.uids()]
  const traffic = new EndpointLog(fleet)
  const execution = await fleet.started({ strategy: 'BLUE_GREEN', ...wanted })
  /** After each change of the endpoints: which version served. */
  const served = async () => {
    await traffic.close()
    const sides = traffic.states.map((uids) => [...new Set(uids.map((uid) => (before.includes(uid) ? 'old' : 'new')))])
    return sides.map((each) => each.join(' and ')).filter((side, n, all) => side !== all[n - 1])
  }
  const isBack = async () => {
    expect((await fleet.reaches({ '1.0.0': 3 })).map(({ uid }) => uid).toSorted()).toEqual(before)
    expect((await fleet.endpoints()).toSorted()).toEqual(before)
    await expectNothingOfOurs(fleet, originals)
    expect(await fleet.release.verdicts()).toEqual(['3 DEPLOYED', '2 FAILED', '1 DEPLOYED'])
  }
  return { fleet, execution, served, isBack }
}

test.concurrent('after the switch of BLUE_GREEN a rollback is one switch: the old set serves, and was never touched', async () => {
  const { fleet, execution, served, isBack } = await blueGreen({}, { healthCheckTimeoutSeconds: 600 })
  await execution.until('switched', ({ waitingFor }) => waitingFor?.reason === 'WATCHING_THE_SWITCH', patience)
  await execution.give('rollback', '?reason=Manual+rollback')
  const back = execution.untilStatus('ROLLED_BACK', patience)
  const { result, broken } = await sampled(fleet, execution, [neverBelow(3)], back)
  expect(broken).toEqual([])
  expect(result.rollbackInfo.rolledBackInstances).toHaveLength(3)
  await isBack()
  expect(await served()).toEqual(['old', 'new', 'old'])
})

test.concurrent('a green set that never passes gets no traffic, while it goes back neither', async () => {
  const wanted = { autoRollbackEnabled: true, healthCheckTimeoutSeconds: 4 }
  const { fleet, execution, served, isBack } = await blueGreen({ faults: { '1.1.0': ill } }, wanted)
  const end = execution.until('ended', ({ endedAt }) => endedAt !== null, patience)
  const { result, broken } = await sampled(fleet, execution, [neverBelow(3)], end)
  expect(broken).toEqual([])
  expect(result.status).toBe('ROLLED_BACK')
  await isBack()
  expect(await served()).toEqual(['old'])
})

test.concurrent('pods that count only after minReadySeconds come back, though these are more than healthCheckTimeoutSeconds', async () => {
  const values = { spec: { minReadySeconds: 8 } }
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 6, values })
  const originals = await originalsOf(fleet)
  const brief = { healthCheckIntervalSeconds: 1, healthCheckTimeoutSeconds: 4 }
  // Those of the first batch count by then, so that they are not taken for broken.
  const execution = await fleet.started({ ...brief, batchSize: 2, batchDelaySeconds: 9 })
  await execution.until('four of them', ({ progress }) => progress.completed === 4, patience)
  await execution.give('rollback')
  const done = await execution.until('ended', ({ endedAt }) => endedAt !== null, patience)
  expect(done).toMatchObject({ status: 'ROLLED_BACK', statusReason: 'ROLLED_BACK_BY_OPERATOR' })
  await fleet.reaches({ '1.0.0': 6 })
  await expectNothingOfOurs(fleet, originals)
})
