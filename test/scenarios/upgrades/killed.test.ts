import { afterAll, beforeAll, expect, test } from 'vitest'
import { practiceCluster, type TestCluster } from '../../support/cluster.ts'
import { ok } from '../support/api.ts'
import { type Execution, type RegisteredComponent, UpgradeHandle } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, type FleetOptions, registerFleet } from './support/fleet.ts'
import { PodLog } from './support/follow.ts'
import { expectHelmGoesOn, expectNothingOfOurs, type OriginalFields, originalsOf } from './support/originals.ts'
import { neverAhead, neverBelow, oneSideServes, type Promised, sampled, untouchedStay } from './support/sampler.ts'

// The server is killed with kill -9 in the middle of executions and started again. The cluster stays, and goes on.

let cluster: TestCluster
let world: World
let component: RegisteredComponent
let log: PodLog
beforeAll(async () => {
  cluster = await practiceCluster()
  log = new PodLog(cluster.transport)
  world = await openWorld({ KUBECONFIG: cluster.kubeconfig, LEASE_SECONDS: '3' })
  component = await registerFleet(world)
})
afterAll(async () => {
  await log.close()
  await world.close()
  await cluster.stop()
})

const patience = { withinMs: 90_000 }

type Begun = {
  readonly fleet: Fleet
  readonly execution: UpgradeHandle
  readonly originals: OriginalFields
  /** UIDs of the pods before anything was touched. */
  readonly first: readonly string[]
}

/** Two health checks in a row are four seconds apart: so long an instance is in flight. */
async function begun(options: FleetOptions, wanted: object): Promise<Begun> {
  const fleet = await Fleet.install(world, component, options)
  const [originals, first] = [await originalsOf(fleet), await fleet.uids()]
  const slowly = { healthCheckIntervalSeconds: 4, healthCheckTimeoutSeconds: 60 }
  return { fleet, originals, first, execution: await fleet.started({ ...slowly, ...wanted }) }
}

/** What was there when the server was killed. */
type Middle = Begun & { readonly then: Execution; readonly moved: readonly string[] }

async function inTheMiddle(given: Begun, what: string, isThere: (execution: Execution) => boolean): Promise<Middle> {
  const then = await given.execution.until(what, isThere, patience)
  const pods = await given.fleet.pods()
  return { ...given, then, moved: pods.filter(({ version }) => version === '1.1.0').map(({ uid }) => uid) }
}

/** Follows an execution on the server that was started again to its end, and holds the cluster against the promises. */
async function toTheEnd(middle: Middle, more: readonly Promised[]): Promise<void> {
  const fleet = middle.fleet.at(world)
  const execution = new UpgradeHandle(world.api, middle.execution)
  const promised = [neverAhead('1.1.0'), untouchedStay(middle.first, '1.0.0'), ...more]
  const { result, broken } = await sampled(fleet, execution, promised, finished(execution))
  expect(broken).toEqual([])
  expect(result).toMatchObject({ status: 'COMPLETED', progress: { completed: fleet.size, failed: 0 } })
  expectGoneOn(middle.then, result)
  const pods = await fleet.reaches({ '1.1.0': fleet.size })
  expect(pods.map(({ uid }) => uid)).toEqual(expect.arrayContaining([...middle.moved]))
  await expectOnce({ ...middle, fleet })
  expect((await fleet.endpoints()).toSorted()).toEqual(pods.map(({ uid }) => uid).toSorted())
  await expectAsBefore({ ...middle, fleet })
}

async function finished(execution: UpgradeHandle): Promise<Execution> {
  const asks = (seen: Execution) => hasEnded(seen) || seen.status === 'CANARY_MONITORING'
  const seen = await execution.until('asks or ended', asks, patience)
  if (!hasEnded(seen)) await execution.give('promote-canary')
  return execution.until('ended', hasEnded, patience)
}

/** From where it was: every step that was told stays told, and what had passed was not done again. */
function expectGoneOn(then: Execution, result: Execution): void {
  expect(result.transitions.slice(0, then.transitions.length)).toEqual(then.transitions)
  const passed = then.instances.filter(({ status }) => status === 'COMPLETED')
  for (const { id, currentPod, startedAt, endedAt } of passed)
    expect(result.instances).toContainEqual(expect.objectContaining({ id, currentPod, startedAt, endedAt }))
}

/** As many pods of the new version as there are instances, ever, and of the old one none but the first; helm ran once. */
async function expectOnce({ fleet, first }: Middle): Promise<void> {
  const ever = log.of(fleet)
  expect(ever.filter(({ version }) => version === '1.1.0')).toHaveLength(fleet.size)
  expect(
    ever
      .filter(({ version }) => version === '1.0.0')
      .map(({ uid }) => uid)
      .toSorted(),
  ).toEqual(first)
  expect(await fleet.release.verdicts()).toEqual(['2 DEPLOYED', '1 DEPLOYED'])
}

/** The original fields are back, and neither Flotilla's upgrade nor a person's meets a conflict. */
async function expectAsBefore({ fleet, originals }: Middle): Promise<void> {
  await expectNothingOfOurs(fleet, originals)
  expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.1.0', executionId: null })
  ok(await fleet.release.upgrade({ chartVersion: '1.2.0' }))
  await fleet.reaches({ '1.2.0': fleet.size })
  await expectHelmGoesOn(fleet)
}

const hasEnded = ({ endedAt }: Execution): boolean => endedAt !== null

test('ROLLING, CANARY and BLUE_GREEN go on from where they were, and no instance is upgraded twice', async () => {
  const [rolling, canary, blueGreen] = await Promise.all([
    begun({ kind: 'Deployment', size: 6 }, { strategy: 'ROLLING', batchSize: 2 }),
    begun({ kind: 'StatefulSet', size: 5 }, { strategy: 'CANARY', canaryPercentage: 40 }),
    begun({ kind: 'Deployment', size: 3 }, { strategy: 'BLUE_GREEN', healthCheckTimeoutSeconds: 15 }),
  ])
  // A machine that stands still meanwhile finds them further on, and they go on from there.
  const [inBatch, inCanary, switched] = await Promise.all([
    inTheMiddle(rolling, 'its second batch is in flight', ({ progress }) => progress.pending <= 2),
    inTheMiddle(canary, 'the second canary is in flight', ({ progress }) => progress.pending <= 3),
    inTheMiddle(blueGreen, 'switched', (seen) => seen.waitingFor?.reason === 'WATCHING_THE_SWITCH' || hasEnded(seen)),
  ])
  world = await world.restarted()
  await Promise.all([
    toTheEnd(inBatch, [neverBelow(6)]),
    toTheEnd(inCanary, [neverBelow(4)]),
    toTheEnd(switched, [neverBelow(3), oneSideServes('1.1.0')]),
  ])
}, 120_000)
