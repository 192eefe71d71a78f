import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type KubeObject, resources } from '../../../src/infra/kubernetes/index.ts'
import { ok, problem } from '../support/api.ts'
import {
  type Execution,
  initiate,
  type RegisteredComponent,
  registerComponent,
  started,
  type UpgradeHandle,
  upgradeRequest,
} from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { addToPool, Fleet, limitPods, makePool, registerFleet } from './support/fleet.ts'
import { expectNothingOfOurs, expectUnmarked, originalsOf } from './support/originals.ts'
import { neverBelow, sampled } from './support/sampler.ts'

// What goes wrong around the fleet: hooks that fail, room that is taken away, instances that are no more.

vi.setConfig({ testTimeout: 150_000 })
let world: World
let component: RegisteredComponent
let hooked: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
  hooked = await registerComponent(world.api, { chartName: 'hooked-fleet' })
  await makePool(world, 3)
})
afterAll(() => world.close())

const patience = { withinMs: 120_000 }
const ended = (execution: UpgradeHandle) => execution.until('ended', ({ endedAt }) => endedAt !== null, patience)
const steps = ({ transitions }: Execution) => transitions.map(({ to }) => to)

/** Given an upgrade whose hook fails. */
async function withHook(event: 'pre-upgrade' | 'post-upgrade', autoRollbackEnabled: boolean, more: object = {}) {
  const place = world.place()
  const valuesOverride = { hook: { event, tag: 'fail' }, ...more }
  const release = await place.installed({ chartName: 'hooked-fleet', valuesOverride })
  const uids = async () => {
    const pods = await world.cluster.pods(place.namespace)
    const own = pods.filter(({ metadata }) => metadata.labels?.app === 'app')
    return own.map(({ metadata }) => metadata.uid ?? '').toSorted()
  }
  const before = await uids()
  const execution = await started(world.api, place.tenantId, upgradeRequest(hooked, { autoRollbackEnabled }))
  const done = await ended(execution)
  const named = { namespace: place.namespace, name: 'app' }
  const workload = await world.cluster.client.get<KubeObject & { spec: object }>(resources.deployments, named)
  expect(done.statusReason).toBe('DEPLOY_FAILED')
  expect(JSON.stringify(done.transitions)).toContain(`DEPLOY_FAILED: ${event} hooks failed`)
  expect(done.progress).toMatchObject({ pending: 2, completed: 0, failed: 0 })
  expect(await uids()).toEqual(before)
  return { place, release, done, execution, uids, workload: { ...workload, spec: { ...workload.spec } } }
}

test.concurrent('a hook that fails before helm applies: nothing has changed, and nothing is held', async () => {
  const { release, done, workload } = await withHook('pre-upgrade', false)
  expect(done.status).toBe('FAILED')
  expect(await release.read()).toMatchObject({
    status: 'FAILED',
    chartVersion: '1.0.0',
    frozen: null,
    executionId: null,
  })
  expect(await release.verdicts()).toEqual(['2 FAILED', '1 DEPLOYED'])
  expectUnmarked(workload)
})

test.concurrent('a hook that fails after helm has applied: no pod moves by itself, so the fleet is frozen', async () => {
  const { place, release, done, execution, uids } = await withHook('post-upgrade', false)
  expect(done.status).toBe('FAILED')
  expect(await release.read()).toMatchObject({
    status: 'FAILED',
    attemptedChartVersion: '1.1.0',
    frozen: { executionId: execution.id, versions: { '1.0.0': 2, '1.1.0': 0 } },
  })
  const { '1.1.0': fromVersionId, '1.2.0': toVersionId } = hooked.versions
  const onwards = upgradeRequest(hooked, { fromVersionId, toVersionId })
  problem(await initiate(world.api, place.tenantId, onwards), 409, 'version_not_deployed')
  const before = await uids()
  ok(await world.api.post(`${release.path}/unfreeze?to=previous`, undefined))
  expect(await release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.0.0', frozen: null })
  expect(await uids()).toEqual(before)
})

test.concurrent.each(['pre-upgrade', 'post-upgrade'] as const)(
  'with auto-rollback a %s hook that fails ends on the version of before, and no pod is touched',
  async (event) => {
    const { release, done, workload } = await withHook(event, true)
    expect(steps(done)).toEqual(['VALIDATING', 'IN_PROGRESS', 'ROLLING_BACK', 'ROLLED_BACK'])
    expect(done.rollbackInfo.rolledBackInstances).toEqual([])
    expect(await release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.0.0', frozen: null })
    expect(await release.verdicts()).toEqual(['3 DEPLOYED', '2 FAILED', '1 DEPLOYED'])
    expectUnmarked(workload)
  },
)

test.concurrent('it goes back over an object that the target drops, and that the failing hook kept it from dropping', async () => {
  const { place, release, done } = await withHook('pre-upgrade', true, { onlyIn: '1.0.0' })
  expect(steps(done)).toEqual(['VALIDATING', 'IN_PROGRESS', 'ROLLING_BACK', 'ROLLED_BACK'])
  expect(await release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.0.0', frozen: null })
  expect(await release.verdicts()).toEqual(['4 DEPLOYED', '3 FAILED', '2 FAILED', '1 DEPLOYED'])
  expect(await world.cluster.config(place.namespace, 'app-old')).toEqual({ of: '1.0.0' })
})

test.concurrent('a chart version that is nowhere ends it before anything is touched, naming those that are there', async () => {
  const of = await registerComponent(world.api, { chartName: 'fleet' }, ['1.0.0', '1.9.0'])
  const fleet = await Fleet.install(world, of, { kind: 'Deployment', size: 1 })
  const done = await ended(await fleet.started())
  expect(done).toMatchObject({ status: 'FAILED', statusReason: 'TARGET_REFUSED' })
  expect(done.transitions.at(-1)).toMatchObject({ reason: expect.stringMatching(/no version 1\.9\.0.*1\.2\.0/) })
  expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', revision: 1, executionId: null })
})

test.concurrent('room that is taken away in the middle: what cannot come is FAILED, and all go back', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 4 })
  const originals = await originalsOf(fleet)
  const wanted = { strategy: 'STAGED', batchSize: 1, healthCheckTimeoutSeconds: 15, failureThreshold: 1 }
  const execution = await fleet.started({ ...wanted, autoRollbackEnabled: true })
  await execution.untilStatus('PAUSED', patience)
  await limitPods(fleet, 4)
  await execution.give('resume')
  const says = ({ waitingFor }: Execution) => waitingFor?.detail?.includes('exceeded quota: limits') === true
  const refused = execution.until('it says why no pod comes', says, patience)
  const { result, broken } = await sampled(fleet, execution, [neverBelow(3)], ended(execution))
  expect(broken).toEqual([])
  expect(result).toMatchObject({ status: 'ROLLED_BACK', rollbackInfo: { currentFailures: 1 } })
  expect((await refused).status).toBe('IN_PROGRESS')
  expect(JSON.stringify(result.transitions)).toContain('exceeded quota: limits')
  await fleet.reaches({ '1.0.0': 4 })
  await expectNothingOfOurs(fleet, originals)
})

test.concurrent('a workload that is deleted is a target that is gone', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 2 })
  const execution = await fleet.started({ strategy: 'CANARY' })
  await execution.untilStatus('CANARY_MONITORING', patience)
  await world.cluster.client.delete(resources.deployments, { namespace: fleet.namespace, name: 'app' })
  expect(await ended(execution)).toMatchObject({ status: 'FAILED', statusReason: 'TARGET_GONE' })
  expect(await fleet.release.read()).toMatchObject({ status: 'FAILED', executionId: null, frozen: null })
})

test.concurrent('nodes that come and go under a DaemonSet are counted, and what comes is recorded', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'DaemonSet', size: 3 })
  const execution = await fleet.started({ strategy: 'CANARY', healthCheckTimeoutSeconds: 30 })
  await execution.untilStatus('CANARY_MONITORING', patience)
  const { client } = world.cluster
  await addToPool(world, 3, 'more')
  const more = await execution.until('one more', ({ currentInstances }) => currentInstances === 4, patience)
  expect(more.instances.filter(({ origin }) => origin === 'CLUSTER')).toHaveLength(1)
  const old = more.instances.find(({ version }) => version === '1.0.0')
  const pods = await client.list<KubeObject & { readonly spec: { readonly nodeName: string } }>(resources.pods, {
    namespace: fleet.namespace,
  })
  const node = pods.items.find((pod) => pod.metadata.name === old?.currentPod)?.spec.nodeName ?? ''
  await client.delete(resources.nodes, { name: node })
  await execution.until('one less', ({ currentInstances }) => currentInstances === 3, patience)
  await execution.until('settled', ({ progress }) => progress.inFlight === 0, patience)
  await execution.give('promote-canary')
  expect(await ended(execution)).toMatchObject({ status: 'COMPLETED', progress: { total: 3, completed: 3 } })
  await fleet.reaches({ '1.1.0': 3 })
})
