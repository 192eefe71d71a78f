import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { problem } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { whereRoomIsSeenAtOnce } from '../support/on-both.ts'
import {
  type Execution,
  type RegisteredComponent,
  registerComponent,
  started,
  type UpgradeHandle,
  upgradeRequest,
} from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, fleetPod, type Kind, limitPods, registerFleet, versionsOf } from './support/fleet.ts'
import { type Promised, sampled } from './support/sampler.ts'

// An upgrade by itself has failed, and an execution upgrades the release to the same version. Helm's newest revision says
// that version; what runs may be another, or both.

vi.setConfig({ testTimeout: 200_000 })
let world: World
let component: RegisteredComponent
let hooked: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
  hooked = await registerComponent(world.api, { chartName: 'hooked-fleet' })
})
afterAll(() => world.close())

const patience = { withinMs: 120_000 }
const ended = (execution: UpgradeHandle) => execution.until('ended', ({ endedAt }) => endedAt !== null, patience)
const staged = { strategy: 'STAGED', batchSize: 1, maxUnavailablePercentage: 50, healthCheckTimeoutSeconds: 60 }

test.concurrent('helm failed before it applied: every pod is of the version before, and they move batch by batch', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'hooked-fleet', valuesOverride: { replicas: 3 } })
  const failing = { hook: { event: 'pre-upgrade', tag: 'fail' } }
  problem(await release.upgrade({ chartVersion: '1.1.0', valuesOverride: failing }), 422, 'hook_failed')
  const running = async () => {
    const pods = (await world.cluster.pods(place.namespace)).map(fleetPod).filter(({ app }) => app !== '')
    return versionsOf(pods)
  }
  const execution = await started(world.api, place.tenantId, upgradeRequest(hooked, staged))
  await execution.untilStatus('PAUSED', patience)
  expect(await running()).toEqual({ '1.0.0': 2, '1.1.0': 1 })
  const { instances } = await execution.read()
  expect(instances.map(({ version }) => version).toSorted()).toEqual(['1.0.0', '1.0.0', '1.1.0'])
  await execution.give('cancel')
  await execution.untilStatus('CANCELLED', patience)
  expect((await release.read()).frozen).toEqual({ executionId: execution.id, versions: { '1.0.0': 2, '1.1.0': 1 } })
  const next = await started(world.api, place.tenantId, upgradeRequest(hooked, { healthCheckTimeoutSeconds: 60 }))
  expect(await ended(next)).toMatchObject({ status: 'COMPLETED' })
  await eventually('all run the new version', async () => isDeepStrictEqual(await running(), { '1.1.0': 3 }))
  expect(await release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.1.0', frozen: null })
})

const neverMore =
  (version: string, most: number): Promised =>
  ({ pods }) => {
    const count = pods.filter((pod) => pod.version === version).length
    return count <= most ? null : `${count} pods on ${version}, there were ${most}`
  }

test.concurrent.each<[Kind, number]>([
  ['Deployment', 4],
  ['StatefulSet', 3],
])(
  'a %s that the failed upgrade has left in two versions: no more pods start on it than have passed',
  async (kind, size) => {
    const fleet = await Fleet.install(world, component, { kind, size, values: { faults: { '1.1.0': 'never-ready' } } })
    problem(await fleet.release.upgrade({ chartVersion: '1.1.0', timeout: 20 }), 422, 'not_ready')
    const before = await fleet.pods()
    const broken = before.filter(({ version }) => version === '1.1.0').length
    const sound = before.filter(({ version }) => version === '1.0.0').map(({ uid }) => uid)
    expect([broken > 0, sound.length > 0]).toEqual([true, true])
    const more = { batchSize: 1, failureThreshold: 1, autoRollbackEnabled: true, healthCheckTimeoutSeconds: 6 }
    const execution = await fleet.started(more)
    const { result, broken: wrong } = await sampled(fleet, execution, [neverMore('1.1.0', broken)], ended(execution))
    expect(wrong).toEqual([])
    expect(result).toMatchObject({ status: 'ROLLED_BACK', statusReason: 'FAILURE_THRESHOLD_REACHED' })
    expect(result.instances.some(({ unchanged }) => unchanged)).toBe(false)
    const after = await fleet.reaches({ '1.0.0': size })
    expect(after.map(({ uid }) => uid)).toEqual(expect.arrayContaining(sound))
    expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.0.0', frozen: null })
  },
)

whereRoomIsSeenAtOnce.concurrent(
  'pods of the failed version that could not start until now start batch by batch',
  async () => {
    const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 2 })
    await limitPods(fleet, 2)
    problem(await fleet.release.upgrade({ chartVersion: '1.1.0', timeout: 20 }), 422, 'not_ready')
    await fleet.reaches({ '1.0.0': 2 })
    const execution = await fleet.started(staged)
    await execution.untilStatus('PAUSED', patience)
    await fleet.reaches({ '1.0.0': 1, '1.1.0': 1 })
    await execution.give('resume')
    expect(await ended(execution)).toMatchObject({ status: 'COMPLETED' })
    await fleet.reaches({ '1.1.0': 2 })
  },
)

test.concurrent('of several releases one that has failed waits for its turn, and is upgraded in it', async () => {
  const place = world.place()
  const request = { chartName: 'fleet', valuesOverride: { replicas: 1, service: false } }
  const releases = await Promise.all(
    ['one', 'two', 'three'].map((releaseName) => place.installed({ ...request, releaseName })),
  )
  const failing = { chartVersion: '1.1.0', valuesOverride: { faults: { '1.1.0': 'never-ready' } }, timeout: 20 }
  const failed = await Promise.all(releases.slice(0, 2).map((release) => release.upgrade(failing)))
  for (const answer of failed) problem(answer, 422, 'not_ready')
  const execution = await started(world.api, place.tenantId, upgradeRequest(component, staged))
  const first = await execution.untilStatus('PAUSED', patience)
  const moved = ({ progress }: Execution) => progress.completed + progress.inFlight + progress.failed
  expect(moved(first)).toBe(1)
  await execution.give('resume')
  const second = await execution.until(
    'the second',
    ({ status, currentBatch }) => status === 'PAUSED' && currentBatch === 2,
    patience,
  )
  expect(moved(second)).toBe(2)
  await execution.give('resume')
  expect(await ended(execution)).toMatchObject({ status: 'COMPLETED' })
  for (const release of releases)
    expect(await release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.1.0' })
})
