import { afterAll, beforeAll, expect, test } from 'vitest'
import { podsAnswer } from '../../support/cluster.ts'
import { ok } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { ill as illness, whereContainersRun } from '../support/on-both.ts'
import type { Execution, RegisteredComponent, UpgradeHandle } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, type FleetPod, type Kind, registerFleet } from './support/fleet.ts'
import { expectUnmarked } from './support/originals.ts'

// What a failed post-check comes to, and what is told of it. While the second workload is not ready all instances have
// passed, and only the post-checks look at them again.

let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
})
afterAll(() => world.close())

const patience = { withinMs: 90_000 }
const ended = (execution: UpgradeHandle) => execution.until('ended', ({ endedAt }) => endedAt !== null, patience)
type Check = Execution['checks'][number] & { readonly message: string; readonly evidence: unknown }
const post = ({ checks }: Execution) =>
  (checks as readonly Check[]).filter(({ phase }) => phase === 'POST').map(({ name, status }) => `${name} ${status}`)
const checkOf = ({ checks }: Execution, wanted: string) =>
  (checks as readonly Check[]).find(({ name }) => name === wanted)
const lastStep = ({ transitions }: Execution) => transitions.at(-1)

/** Given an execution of which one pod breaks after all have passed. */
async function breaking(fault: 'sick' | 'crash', autoRollbackEnabled: boolean, kind: Kind = 'Deployment') {
  const values = { second: true, secondFaults: { '1.1.0': 'never-ready' } }
  const fleet = await Fleet.install(world, component, { kind, size: 3, values })
  const target = { kind: 'workload', releaseId: fleet.release.id, workload: { name: 'app' } }
  // One failed instance is within the budget: it is the post-checks that stop the upgrade.
  const patient = { maxUnavailablePercentage: 100, healthCheckTimeoutSeconds: 20 }
  const execution = await fleet.started({ autoRollbackEnabled, ...patient, target })
  await execution.until('all have passed', ({ waitingFor }) => waitingFor?.reason === 'OTHER_WORKLOADS', patience)
  const [ill] = await fleet.pods()
  await fleet.breaks(ill as FleetPod, fault)
  const until = (what: string, isSo: (execution: Execution) => boolean) =>
    eventually(
      `the second workload comes ready, and ${what}`,
      async () => {
        await healSecond(fleet)
        const seen = await execution.read()
        return isSo(seen) ? seen : null
      },
      patience,
    )
  return { fleet, execution, ill: ill as FleetPod, until }
}

/** Given one that stays broken until it has ended. */
async function broken(fault: 'sick' | 'crash', autoRollbackEnabled: boolean) {
  const { until, ill, ...rest } = await breaking(fault, autoRollbackEnabled)
  await until('it ends', ({ endedAt }) => endedAt !== null)
  return { ...rest, ill: ill.name, done: await rest.execution.read() }
}

async function healSecond(fleet: Fleet): Promise<void> {
  for (const pod of await fleet.pods('app-second')) if (!pod.ready) await fleet.breaks(pod, 'none')
}

test.concurrent('READY fails: FAILED, as if the threshold was reached, with who is not ready and why', async () => {
  const { fleet, execution, ill, done } = await broken('crash', false)
  expect(done).toMatchObject({ status: 'FAILED', statusReason: 'POST_CHECKS_FAILED' })
  const health = podsAnswer ? 'FAILED' : 'PASSED'
  expect(post(done)).toEqual(['VERSION PASSED', 'READY FAILED', `HEALTH ${health}`])
  expect(checkOf(done, 'READY')).toMatchObject({
    message: expect.stringMatching(new RegExp(`^${ill}: container main: `)),
    evidence: { wanted: 3, ready: 2 },
  })
  expect(lastStep(done)).toMatchObject({
    to: 'FAILED',
    reason: podsAnswer ? 'POST_CHECKS_FAILED: READY, HEALTH' : 'POST_CHECKS_FAILED: READY',
  })
  const told = (await execution.events()).filter(({ type }) => type === 'execution.check-changed')
  expect(told.map(({ data }) => data)).toContainEqual(expect.objectContaining({ check: 'READY', status: 'FAILED' }))
  expect(await fleet.release.read()).toMatchObject({
    ...{ status: 'FAILED', chartVersion: '1.0.0', attemptedChartVersion: '1.1.0' },
    ...{ frozen: null, executionId: null },
  })
  expect(await fleet.release.verdicts()).toEqual(['2 FAILED', '1 DEPLOYED'])
  expectUnmarked(await fleet.workload())
})

whereContainersRun.concurrent('HEALTH fails with auto-rollback: everything goes back, and why is told', async () => {
  const { fleet, ill, done } = await broken('sick', true)
  expect(done).toMatchObject({ status: 'ROLLED_BACK', statusReason: 'POST_CHECKS_FAILED' })
  expect(done.rollbackInfo).toMatchObject({
    rollbackReason: 'POST_CHECKS_FAILED: HEALTH',
    rollbackInitiatedBy: 'flotilla',
  })
  expect(done.rollbackInfo.rolledBackInstances).toHaveLength(3)
  expect(post(done)).toEqual(['VERSION PASSED', 'READY PASSED', 'HEALTH FAILED'])
  expect(checkOf(done, 'HEALTH')).toMatchObject({
    message: `the health endpoint of ${ill} does not answer well`,
    evidence: { endpoint: { path: '/health', port: 8080 }, asked: 3, good: 2 },
  })
  await fleet.reaches({ '1.0.0': 3 })
  await fleet.reaches({ '1.0.0': 2 }, 'app-second')
  expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.0.0', frozen: null })
  expect(await fleet.release.verdicts()).toEqual(['3 DEPLOYED', '2 FAILED', '1 DEPLOYED'])
})

test.concurrent('VERSION fails where pods were left behind before and the upgrade changes none', async () => {
  const values = { tag: '2.0.0', spec: { updateStrategy: { type: 'OnDelete' } } }
  const fleet = await Fleet.install(world, component, { kind: 'StatefulSet', size: 2, values })
  ok(await fleet.release.upgrade({ valuesOverride: { tag: '2.1.0' } }))
  expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.0.0' })
  const before = await fleet.uids()
  const done = await ended(await fleet.started({ strategy: 'RECREATE' }))
  expect(done).toMatchObject({ status: 'FAILED', statusReason: 'POST_CHECKS_FAILED' })
  expect(post(done)).toEqual(['VERSION FAILED', 'READY PASSED', 'HEALTH PASSED'])
  expect(checkOf(done, 'VERSION')).toMatchObject({
    message: expect.stringContaining('app-0 runs '),
    evidence: { target: '1.1.0', instances: 2, onTarget: 0 },
  })
  expect(await fleet.uids()).toEqual(before)
  expect(await fleet.release.read()).toMatchObject({ status: 'FAILED', attemptedChartVersion: '1.1.0', frozen: null })
  expectUnmarked(await fleet.workload())
})

test.concurrent.each<Kind>(['Deployment', 'StatefulSet'])(
  'a %s of which a pod is away for a moment, and which is scaled while it is verified, is waited for',
  async (kind) => {
    const { fleet, execution, ill, until } = await breaking(illness, true, kind)
    const failing = podsAnswer ? 'HEALTH' : 'READY'
    const seen = await until('it is verified', ({ waitingFor }) => waitingFor?.detail?.startsWith(failing) === true)
    const wanted = ['VERSION', 'READY', 'HEALTH'].map((name) => `${name} ${name === failing ? 'PENDING' : 'PASSED'}`)
    expect(post(seen as Execution)).toEqual(wanted)
    const says = podsAnswer
      ? `the health endpoint of ${ill.name} does not answer well`
      : `${ill.name}: container main: `
    expect((seen as Execution).waitingFor).toMatchObject({
      reason: 'CHECKS',
      detail: expect.stringContaining(`${failing}: ${says}`),
    })
    const left = Date.parse((seen as Execution).waitingFor?.until ?? '') - Date.now()
    expect(left).toBeGreaterThan(10_000)
    await fleet.touch({ replicas: 5 })
    await fleet.kill(ill)
    const done = await execution.untilStatus('COMPLETED', patience)
    expect(post(done)).toEqual(['VERSION PASSED', 'READY PASSED', 'HEALTH PASSED'])
    await fleet.reaches({ '1.1.0': 5 })
    expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.1.0', frozen: null })
  },
)
