import { afterAll, beforeAll, expect, test } from 'vitest'
import { practiceCluster, type TestCluster } from '../../support/cluster.ts'
import { ok } from '../support/api.ts'
import { type Execution, type RegisteredComponent, UpgradeHandle } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { approved, Fleet, type FleetOptions, makePool, registerFleet } from './support/fleet.ts'
import { PodLog } from './support/follow.ts'
import { expectHelmGoesOn, expectNothingOfOurs, type OriginalFields, originalsOf } from './support/originals.ts'
import { neverAhead, neverBelow, oneSideServes, type Promised, sampled, untouchedStay } from './support/sampler.ts'

// Executions of every kind are begun, the server is killed with kill -9 in the middle of all of them and started again.
// The cluster stays, and goes on meanwhile.

let cluster: TestCluster
let world: World
let component: RegisteredComponent
let log: PodLog
const middles = new Map<string, Middle>()
beforeAll(async () => {
  cluster = await practiceCluster()
  log = new PodLog(cluster.transport)
  world = await openWorld({ KUBECONFIG: cluster.kubeconfig, LEASE_SECONDS: '3' })
  component = await registerFleet(world)
  await makePool(world, 4)
  await begin()
  const { execution } = given('on the way back')
  middles.set('on the way back', { ...given('on the way back'), atKill: await execution.give('rollback') })
  world = await world.restarted()
})
afterAll(async () => {
  await log.close()
  await world.close()
  await cluster.stop()
})

const patience = { withinMs: 90_000 }

type Case = {
  readonly of: FleetOptions
  readonly wanted: object
  /**
   * What it is when the server is killed. A machine that stands still meanwhile finds it further on, from where it goes
   * on just as well.
   */
  readonly when: (execution: Execution) => boolean
}

/** Two health checks in a row are four seconds apart: so long an instance is in flight. */
const slowly = { healthCheckIntervalSeconds: 4, healthCheckTimeoutSeconds: 60 }
const hasEnded = ({ endedAt }: Execution): boolean => endedAt !== null
const isWatched = ({ waitingFor }: Execution) => waitingFor?.reason === 'WATCHING_THE_SWITCH'

const cases = {
  'ROLLING, a batch in flight': {
    of: { kind: 'Deployment', size: 6 },
    wanted: { strategy: 'ROLLING', batchSize: 2 },
    when: ({ progress }) => progress.pending <= 2,
  },
  'CANARY, its second instance in flight': {
    of: { kind: 'StatefulSet', size: 5 },
    wanted: { strategy: 'CANARY', canaryPercentage: 40 },
    when: ({ progress }) => progress.pending <= 3,
  },
  'BLUE_GREEN, switched': {
    of: { kind: 'Deployment', size: 3 },
    wanted: { strategy: 'BLUE_GREEN', healthCheckTimeoutSeconds: 30 },
    when: isWatched,
  },
  'STAGED, waiting for an approval': {
    of: { kind: 'DaemonSet', size: 4 },
    wanted: { strategy: 'STAGED', batchSize: 2, maxUnavailablePercentage: 50 },
    when: ({ status }) => status === 'PAUSED',
  },
  'RECREATE, all in flight': {
    of: { kind: 'StatefulSet', size: 3 },
    wanted: { strategy: 'RECREATE' },
    when: ({ progress }) => progress.pending === 0,
  },
  'on the way back': {
    of: { kind: 'Deployment', size: 4 },
    wanted: { strategy: 'ROLLING', batchSize: 2, batchDelaySeconds: 3_600 },
    when: ({ progress }) => progress.completed === 2,
  },
} as const satisfies Record<string, Case>
type CaseName = keyof typeof cases

/** What was there when the server was killed. */
type Middle = {
  readonly fleet: Fleet
  readonly execution: UpgradeHandle
  readonly originals: OriginalFields
  /** UIDs of the pods before anything was touched. */
  readonly first: readonly string[]
  readonly atKill: Execution
  /** UIDs of those of the new version. */
  readonly moved: readonly string[]
}

/** Begins all, and anew those that have ended while the others were begun: a kill would prove nothing of these. */
async function begin(): Promise<void> {
  let left: readonly (readonly [string, Case])[] = Object.entries(cases)
  while (left.length > 0) {
    const made = left.map(async ([name, each]) => [name, await middleOf(each)] as const)
    for (const [name, middle] of await Promise.all(made)) middles.set(name, middle)
    const seen = [...middles].map(async ([name, { execution }]) => [name, await execution.read()] as const)
    const over = new Set((await Promise.all(seen)).filter(([, now]) => hasEnded(now)).map(([name]) => name))
    left = Object.entries(cases).filter(([name]) => over.has(name))
  }
}

async function middleOf({ of, wanted, when }: Case): Promise<Middle> {
  const fleet = await Fleet.install(world, component, of)
  const [originals, first] = [await originalsOf(fleet), await fleet.uids()]
  const execution = await fleet.started({ ...slowly, ...wanted })
  const atKill = await execution.until('in the middle', when, patience)
  const moved = (await fleet.pods()).filter(({ version }) => version === '1.1.0').map(({ uid }) => uid)
  return { fleet, execution, originals, first, atKill, moved }
}

/** The same, asked for of the server that was started again. */
function given(name: CaseName): Middle {
  const middle = middles.get(name)
  if (middle === undefined) throw new Error(`nothing was begun for ${name}`)
  const [fleet, execution] = [middle.fleet.at(world), new UpgradeHandle(world.api, middle.execution)]
  return { ...middle, fleet, execution }
}

const kept = (least: number): readonly Promised[] => [neverBelow(least)]
const forward: readonly (readonly [CaseName, readonly Promised[]])[] = [
  ['ROLLING, a batch in flight', kept(6)],
  ['CANARY, its second instance in flight', kept(4)],
  ['BLUE_GREEN, switched', [...kept(3), oneSideServes('1.1.0')]],
  ['STAGED, waiting for an approval', kept(2)],
  ['RECREATE, all in flight', []],
]

test.concurrent.each(forward)(
  '%s: it goes on from where it was, and no instance is upgraded twice',
  async (name, promised) => {
    const middle = given(name)
    const { fleet, execution, first, moved } = middle
    const all = [neverAhead('1.1.0'), untouchedStay(first, '1.0.0'), ...promised]
    const { result, broken } = await sampled(fleet, execution, all, approved(execution))
    expect(broken).toEqual([])
    expect(result).toMatchObject({ status: 'COMPLETED', progress: { completed: fleet.size, failed: 0 } })
    expectGoneOn(middle, result)
    const pods = await fleet.reaches({ '1.1.0': fleet.size })
    expect(pods.map(({ uid }) => uid)).toEqual(expect.arrayContaining([...moved]))
    expectOnce(middle)
    expect(await fleet.release.verdicts()).toEqual(['2 DEPLOYED', '1 DEPLOYED'])
    await expectAsBefore(middle, '1.1.0')
  },
)

test.concurrent('on the way back: it goes on, and what never left is not restarted', async () => {
  const middle = given('on the way back')
  const { fleet, execution, atKill } = middle
  const back = execution.until('ended', hasEnded, patience)
  const { result, broken } = await sampled(fleet, execution, kept(4), back)
  expect(broken).toEqual([])
  expect(result.status).toBe('ROLLED_BACK')
  expectGoneOn(middle, result)
  const untouched = atKill.instances.filter(({ status }) => status === 'PENDING').map(({ currentPod }) => currentPod)
  const pods = await fleet.reaches({ '1.0.0': 4 })
  expect(pods.map(({ name }) => name)).toEqual(expect.arrayContaining(untouched))
  const left = atKill.instances.length - untouched.length
  expect(log.of(fleet)).toHaveLength(fleet.size + 2 * left)
  expect(await fleet.release.verdicts()).toEqual(['3 DEPLOYED', '2 FAILED', '1 DEPLOYED'])
  await expectAsBefore(middle, '1.0.0')
})

/** From where it was: every step that was told stays told, and what had passed was not done again. */
function expectGoneOn({ atKill }: Middle, result: Execution): void {
  expect(result.transitions.slice(0, atKill.transitions.length)).toEqual(atKill.transitions)
  if (result.status !== 'COMPLETED') return
  const passed = atKill.instances.filter(({ status }) => status === 'COMPLETED')
  for (const { id, currentPod, startedAt, endedAt } of passed)
    expect(result.instances).toContainEqual(expect.objectContaining({ id, currentPod, startedAt, endedAt }))
}

/** As many pods of the new version as there are instances, ever, and of the old one none but the first. */
function expectOnce({ fleet, first }: Middle): void {
  const ever = log.of(fleet)
  expect(ever.filter(({ version }) => version === '1.1.0')).toHaveLength(fleet.size)
  expect(
    ever
      .filter(({ version }) => version === '1.0.0')
      .map(({ uid }) => uid)
      .toSorted(),
  ).toEqual(first)
}

/** The original fields are back, and neither Flotilla's upgrade nor a person's meets a conflict. */
async function expectAsBefore({ fleet, originals }: Middle, chartVersion: string): Promise<void> {
  expect((await fleet.endpoints()).toSorted()).toEqual(await fleet.uids())
  await expectNothingOfOurs(fleet, originals)
  expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion, executionId: null })
  ok(await fleet.release.upgrade({ chartVersion: '1.2.0' }))
  await fleet.reaches({ '1.2.0': fleet.size })
  await expectHelmGoesOn(fleet)
}
