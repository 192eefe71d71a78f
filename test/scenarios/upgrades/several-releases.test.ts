import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { resources } from '../../../src/infra/kubernetes/index.ts'
import { testedDialect } from '../../support/tested-helm.ts'
import { ok, problem } from '../support/api.ts'
import type { ReleaseHandle } from '../support/releases.ts'
import { expectToldAsPublished } from '../support/told.ts'
import {
  type Execution,
  initiate,
  type RegisteredComponent,
  started,
  UpgradeHandle,
  upgradeRequest,
} from '../support/upgrades.ts'
import { openWorld, type Place, type World } from '../support/world.ts'
import { registerFleet } from './support/fleet.ts'

// Several releases of a tenant are the instances of one execution. One of them never gets ready on the new version.

vi.setConfig({ testTimeout: 120_000 })
let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
})
afterAll(() => world.close())

const patience = { withinMs: 80_000 }
const names = ['one', 'two', 'three', 'four']

/** Releases in the order of the instances, which is that of their ids, numbers within them as numbers. */
type Releases = { readonly place: Place; readonly releases: readonly ReleaseHandle[] }

/** Given four releases of the first version, of which the one in this place will not get ready on the second. */
async function installed(broken: number | null): Promise<Releases> {
  const place = world.place()
  const request = { chartName: 'fleet', valuesOverride: { replicas: 1, service: false } }
  const made = await Promise.all(names.map((releaseName) => place.installed({ ...request, releaseName })))
  const releases = made.toSorted((one, other) => one.id.localeCompare(other.id, 'en', { numeric: true }))
  const bad = broken === null ? undefined : releases[broken]
  // What is wrong is wrong with a later version: the pods of this one stay.
  if (bad !== undefined) ok(await bad.upgrade({ valuesOverride: { faults: { '1.1.0': 'never-ready' } } }))
  return { place, releases }
}

/** What never gets ready takes its whole time; what does has enough of it, however busy the machine. */
const begun = ({ place }: Releases, more: object): Promise<UpgradeHandle> =>
  started(world.api, place.tenantId, upgradeRequest(component, { healthCheckTimeoutSeconds: 8, ...more }))

const statuses = ({ instances }: Execution) => instances.map(({ status }) => status)

/** What each release says of itself: its status, the version that runs, and how its revisions ended. */
async function rows({ releases }: Releases): Promise<readonly (readonly unknown[])[]> {
  const read = releases.map(async (release) => {
    const { status, chartVersion, executionId, currentOperationId } = await release.read()
    expect({ executionId, currentOperationId }).toEqual({ executionId: null, currentOperationId: null })
    return [status, chartVersion, ...(await release.verdicts())]
  })
  return Promise.all(read)
}

/** Status and chart version of every revision in Helm's own storage, oldest first. */
async function helmHistory({ place, releases }: Releases): Promise<readonly (readonly string[])[]> {
  const read = releases.map(async ({ name }) => {
    const records = await world.cluster.records(place.namespace, name)
    return records.map(({ info, chart }) => `${chart?.metadata?.version} ${info?.status}`)
  })
  return Promise.all(read)
}

/** UIDs of the pods of each release. */
async function uids({ place, releases }: Releases): Promise<readonly (readonly (string | undefined)[])[]> {
  const pods = await world.cluster.pods(place.namespace)
  const of = ({ name }: ReleaseHandle) => pods.filter(({ metadata }) => metadata.labels?.app === name)
  return releases.map((release) => of(release).map(({ metadata }) => metadata.uid))
}

test.concurrent('below the threshold the others are upgraded; with a failed one it ends FAILED, never COMPLETED', async () => {
  const given = await installed(1)
  const execution = await begun(given, { batchSize: 1, failureThreshold: 2, maxUnavailablePercentage: 50 })
  const done = await execution.until('ended', ({ endedAt }) => endedAt !== null, patience)
  expect(done).toMatchObject({ status: 'FAILED', statusReason: 'INSTANCES_FAILED', target: { kind: 'releases' } })
  expect(statuses(done)).toEqual(['COMPLETED', 'FAILED', 'COMPLETED', 'COMPLETED'])
  expect(done.rollbackInfo).toMatchObject({ currentFailures: 1, rolledBackInstances: [] })
  expect(done.instances[1]?.message).toMatch(/^Deployment \w+: /)
  const moved = ['DEPLOYED', '1.1.0', '2 DEPLOYED', '1 DEPLOYED']
  const failed = ['FAILED', '1.0.0', '3 FAILED', '2 DEPLOYED', '1 DEPLOYED']
  expect(await rows(given)).toEqual([moved, failed, moved, moved])
  expect(await given.releases[1]?.read()).toMatchObject({ attemptedChartVersion: '1.1.0' })
  const helm = ['1.0.0 superseded', '1.1.0 deployed']
  expect(await helmHistory(given)).toEqual([helm, ['1.0.0 superseded', '1.0.0 superseded', '1.1.0 failed'], helm, helm])
})

test.concurrent('at the threshold those that moved go back, and the others were never touched', async () => {
  const given = await installed(1)
  const before = await uids(given)
  const wanted = { batchSize: 2, failureThreshold: 1, maxUnavailablePercentage: 50, autoRollbackEnabled: true }
  const execution = await begun(given, wanted)
  const done = await execution.until('ended', ({ endedAt }) => endedAt !== null, patience)
  expect(done.transitions.map(({ to }) => to)).toEqual(['VALIDATING', 'IN_PROGRESS', 'ROLLING_BACK', 'ROLLED_BACK'])
  expect(done.statusReason).toBe('FAILURE_THRESHOLD_REACHED')
  expect(statuses(done)).toEqual(['ROLLED_BACK', 'ROLLED_BACK', 'PENDING', 'PENDING'])
  const moved = done.instances.slice(0, 2).map(({ id }) => id)
  expect(done.rollbackInfo).toMatchObject({ currentFailures: 1, rollbackInitiatedBy: 'flotilla' })
  expect(done.rollbackInfo.rolledBackInstances.toSorted()).toEqual(moved.toSorted())
  const untouched = ['DEPLOYED', '1.0.0', '1 DEPLOYED']
  expect(await rows(given)).toEqual([
    ['DEPLOYED', '1.0.0', '3 DEPLOYED', '2 FAILED', '1 DEPLOYED'],
    ['DEPLOYED', '1.0.0', '4 DEPLOYED', '3 FAILED', '2 DEPLOYED', '1 DEPLOYED'],
    untouched,
    untouched,
  ])
  const [first, second, ...others] = await helmHistory(given)
  expect(first?.at(-1)).toBe('1.0.0 deployed')
  expect(second?.at(-1)).toBe('1.0.0 deployed')
  expect(others).toEqual([['1.0.0 deployed'], ['1.0.0 deployed']])
  const after = await uids(given)
  expect(after.slice(2)).toEqual(before.slice(2))
  // The pod of the broken one ran on beside what never got ready.
  expect(after[1]).toEqual(before[1])
})

test.concurrent('a rollback that is asked for takes the failed one back too', async () => {
  const given = await installed(0)
  const wanted = { batchSize: 2, failureThreshold: 3, maxUnavailablePercentage: 100, batchDelaySeconds: 3_600 }
  const execution = await begun(given, wanted)
  const half = ({ progress }: Execution) => progress.failed === 1 && progress.completed === 1
  const stands = await execution.until('a batch is over', half, patience)
  expect(stands.status).toBe('IN_PROGRESS')
  for (const release of given.releases) {
    expect(await release.read()).toMatchObject({ status: 'PENDING_UPGRADE', executionId: execution.id })
    problem(await release.upgrade({ chartVersion: '1.2.0' }), 409, 'claimed_by_execution')
  }
  await execution.give('rollback', '?reason=Manual+rollback')
  const done = await execution.until('ended', ({ endedAt }) => endedAt !== null, patience)
  expect(done.status).toBe('ROLLED_BACK')
  expect(statuses(done)).toEqual(['ROLLED_BACK', 'ROLLED_BACK', 'PENDING', 'PENDING'])
  expect((await rows(given)).map(([status, version]) => `${status} ${version}`)).toEqual(
    names.map(() => 'DEPLOYED 1.0.0'),
  )
})

/** Given four releases of which two are on the second version, because their upgrade was cancelled half-way. */
async function halfWay() {
  const given = await installed(null)
  const execution = await begun(given, { batchSize: 2, batchDelaySeconds: 3_600, maxUnavailablePercentage: 50 })
  await execution.until('half of them', ({ progress }) => progress.completed === 2, patience)
  await execution.give('cancel')
  await execution.untilStatus('CANCELLED', patience)
  const moved = ['DEPLOYED', '1.1.0', '2 DEPLOYED', '1 DEPLOYED']
  const still = ['DEPLOYED', '1.0.0', '1 DEPLOYED']
  expect(await rows(given)).toEqual([moved, moved, still, still])
  return { given, moved, still, before: await uids(given) }
}

test.concurrent('cancelled half-way, what has moved is DEPLOYED; another execution upgrades the rest alone', async () => {
  const { given, moved, before } = await halfWay()
  const releaseIds = given.releases.slice(2).map(({ id }) => id)
  const rest = await begun(given, { target: { kind: 'releases', releaseIds } })
  const done = await rest.untilStatus('COMPLETED', patience)
  expect(done.progress).toMatchObject({ total: 2, completed: 2 })
  expect(await rows(given)).toEqual([moved, moved, moved, moved])
  expect((await uids(given)).slice(0, 2)).toEqual(before.slice(0, 2))
})

test.concurrent('or the next takes all of them over, and touches none that has moved', async () => {
  const { given, moved, before } = await halfWay()
  const next = await begun(given, { batchSize: 1, batchDelaySeconds: 0 })
  const done = await next.untilStatus('COMPLETED', patience)
  expect(done.progress).toMatchObject({ total: 4, completed: 4 })
  expect(await rows(given)).toEqual([moved, moved, moved, moved])
  expect((await uids(given)).slice(0, 2)).toEqual(before.slice(0, 2))
})

test.concurrent('its rollback takes all of them back, also those that had moved before', async () => {
  const { given } = await halfWay()
  const next = await begun(given, { batchSize: 1, batchDelaySeconds: 3_600, maxUnavailablePercentage: 50 })
  await next.until('three of four', ({ progress }) => progress.completed === 3, patience)
  await next.give('rollback')
  const done = await next.untilStatus('ROLLED_BACK', patience)
  expect(statuses(done)).toEqual(['ROLLED_BACK', 'ROLLED_BACK', 'ROLLED_BACK', 'PENDING'])
  expect((await rows(given)).map(([status, version]) => `${status} ${version}`)).toEqual(
    names.map(() => 'DEPLOYED 1.0.0'),
  )
})

test.concurrent('going back as a whole is no downgrade there', async () => {
  const { given, before } = await halfWay()
  const [old, fresh] = Object.values(component.versions)
  const back = await begun(given, { fromVersionId: fresh, toVersionId: old })
  const done = await back.untilStatus('COMPLETED', patience)
  expect(done.progress).toMatchObject({ total: 4, completed: 4 })
  expect((await rows(given)).map(([status, version]) => `${status} ${version}`)).toEqual(
    names.map(() => 'DEPLOYED 1.0.0'),
  )
  expect((await uids(given)).slice(2)).toEqual(before.slice(2))
})

test.concurrent('releases of two versions that no execution has left so are refused as a whole', async () => {
  const given = await installed(null)
  const { tenantId } = given.place
  // One that was cancelled before it was started has moved none of them.
  const never = new UpgradeHandle(world.api, ok(await initiate(world.api, tenantId, upgradeRequest(component)), 201))
  await never.give('cancel')
  await never.untilStatus('CANCELLED')
  ok(await (given.releases[0] as ReleaseHandle).upgrade({ chartVersion: '1.1.0' }))
  const [old, fresh] = Object.values(component.versions)
  for (const ends of [{}, { fromVersionId: fresh, toVersionId: old }]) {
    problem(await initiate(world.api, tenantId, upgradeRequest(component, ends)), 409, 'version_not_deployed')
  }
})

test.concurrent('a canary of releases waits for its promotion; the failed one is tried again by itself', async () => {
  const given = await installed(3)
  const { place, releases } = given
  const wanted = { strategy: 'CANARY', canaryPercentage: 50, maxUnavailablePercentage: 50, failureThreshold: 2 }
  const execution = await begun(given, wanted)
  const canary = await execution.untilStatus('CANARY_MONITORING', patience)
  expect(statuses(canary)).toEqual(['COMPLETED', 'COMPLETED', 'PENDING', 'PENDING'])
  const versions = await Promise.all(releases.map(async (release) => (await release.read()).chartVersion))
  expect(versions).toEqual(['1.0.0', '1.0.0', '1.0.0', '1.0.0'])
  await execution.give('promote-canary')
  const done = await execution.untilStatus('FAILED', patience)
  expect(statuses(done)).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED', 'FAILED'])
  const [bad] = releases.slice(3)
  // Another version of the tenant's values: what was wrong is right now.
  ok(await (bad as ReleaseHandle).upgrade({ chartVersion: '1.0.0', valuesOverride: { faults: { '1.1.0': '' } } }))
  const again = await begun(given, { target: { kind: 'releases', releaseIds: [bad?.id] } })
  await again.untilStatus('COMPLETED', patience)
  expect((await rows({ place, releases })).map(([status, version]) => `${status} ${version}`)).toEqual(
    names.map(() => 'DEPLOYED 1.1.0'),
  )
})

/** As `kubectl scale` does it: helm 4 meets the field of another manager then, and applies nothing of the workload. */
async function scaledByHand({ place }: Releases, { name }: ReleaseHandle, replicas: number): Promise<void> {
  const patch = { type: 'merge', fieldManager: 'kubectl', body: { spec: { replicas } } } as const
  await world.cluster.client.patch(resources.deployments, { namespace: place.namespace, name }, patch)
}

const whereItConflicts = testedDialect === 'v4' ? test.concurrent : test.skip
whereItConflicts('one whose upgrade helm has not applied tells the version that its pods run', async () => {
  const given = await installed(1)
  const [scaled] = given.releases
  await scaledByHand(given, scaled as ReleaseHandle, 2)
  const execution = await begun(given, { batchSize: 2, failureThreshold: 3, maxUnavailablePercentage: 100 })
  const done = await execution.until('ended', ({ endedAt }) => endedAt !== null, patience)
  expect(done.instances.map(({ status, version }) => `${status} ${version}`)).toEqual([
    'FAILED 1.0.0',
    // helm has applied this one: what runs of it and is not ready is of the new version.
    'FAILED 1.1.0',
    'COMPLETED 1.1.0',
    'COMPLETED 1.1.0',
  ])
  expect(done.instances[0]?.message).toContain('.spec.replicas')
})

test.concurrent('another hand on one of them ends it; the others are as they were left', async () => {
  const given = await installed(null)
  const execution = await begun(given, { batchSize: 2, batchDelaySeconds: 3_600, maxUnavailablePercentage: 50 })
  await execution.until('half of them', ({ progress }) => progress.completed === 2, patience)
  const { namespace } = given.place
  const last = given.releases[3]?.name ?? ''
  await world.hand.helm('upgrade', last, `${world.charts}/fleet/1.2.0`, '-n', namespace, '--reuse-values')
  const done = await execution.until('ended', ({ endedAt }) => endedAt !== null, patience)
  expect(done).toMatchObject({ status: 'FAILED', statusReason: 'CHANGED_BY_ANOTHER_HAND' })
  const moved = ['DEPLOYED', '1.1.0', '2 DEPLOYED', '1 DEPLOYED']
  expect(await rows(given)).toEqual([
    moved,
    moved,
    ['DEPLOYED', '1.0.0', '1 DEPLOYED'],
    ['DEPLOYED', '1.2.0', '2 DEPLOYED', '1 DEPLOYED'],
  ])
})

test.concurrent('one of them that is uninstalled by hand is a target that is gone; the others are as they were left', async () => {
  const given = await installed(null)
  const execution = await begun(given, { batchSize: 2, batchDelaySeconds: 3_600, maxUnavailablePercentage: 50 })
  await execution.until('half of them', ({ progress }) => progress.completed === 2, patience)
  await world.hand.helm('uninstall', given.releases[3]?.name ?? '', '-n', given.place.namespace)
  const done = await execution.until('ended', ({ endedAt }) => endedAt !== null, patience)
  expect(done).toMatchObject({ status: 'FAILED', statusReason: 'TARGET_GONE' })
  const [moved, still] = [
    ['DEPLOYED', '1.1.0', '2 DEPLOYED', '1 DEPLOYED'],
    ['DEPLOYED', '1.0.0', '1 DEPLOYED'],
  ]
  expect(await rows(given)).toEqual([moved, moved, still, ['UNINSTALLED', '1.0.0', '1 UNINSTALLED']])
})

test.concurrent('BLUE_GREEN needs one workload; RECREATE takes all at once', async () => {
  const given = await installed(null)
  const { tenantId } = given.place
  const refused = await initiate(world.api, tenantId, upgradeRequest(component, { strategy: 'BLUE_GREEN' }))
  expect(problem(refused, 422, 'refused').errors?.map(({ pointer }) => pointer)).toEqual(['/strategy'])
  const execution = await begun(given, { strategy: 'RECREATE', batchSize: 1 })
  expect(await execution.untilStatus('COMPLETED', patience)).toMatchObject({ currentBatch: 1 })
})

test('all of this was told as docs/events says', () => expectToldAsPublished(world.api))
