import { afterAll, beforeAll, expect, test } from 'vitest'
import { handFlags } from '../../support/tested-helm.ts'
import { type Answer, Api, ok, problem } from '../support/api.ts'
import { isReady } from '../support/cluster-view.ts'
import { health } from '../support/on-both.ts'
import type { Release, ReleaseHandle } from '../support/releases.ts'
import {
  type Execution,
  initiate,
  initiated,
  type RegisteredComponent,
  registerComponent,
  started,
  type UpgradeHandle,
  upgradeRequest,
} from '../support/upgrades.ts'
import { openWorld, type Place, type World } from '../support/world.ts'

let world: World
/** A Deployment and a StatefulSet. */
let component: RegisteredComponent
let store: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  const chart = (chartName: string) => ({ chartName, ...health })
  const numbers = ['1.2.0', '1.3.0', '1.4.0']
  component = await registerComponent(world.api, chart('matih-query-engine'), numbers)
  store = await registerComponent(world.api, chart('matih-metadata-store'), numbers)
})
afterAll(() => world.close())

const patience = { withinMs: 90_000 }

/** Given a release of the sample chart, a Deployment of so many pods. */
async function deployed(chartVersion: string, replicaCount = 4): Promise<{ place: Place; release: ReleaseHandle }> {
  const place = world.place()
  const wanted = { chartName: 'matih-query-engine', chartVersion, valuesOverride: { replicaCount } }
  return { place, release: await place.installed(wanted) }
}

/** A request from the version to the next one. */
const upgrade = (from: string, more: object = {}, of: RegisteredComponent = component) => {
  const numbers = Object.keys(of.versions)
  const to = numbers[numbers.indexOf(from) + 1] ?? ''
  return upgradeRequest(of, { fromVersionId: of.versions[from], toVersionId: of.versions[to], ...more })
}
const images = async ({ namespace }: Place) => {
  const pods = await world.cluster.pods(namespace)
  return pods.filter(isReady).map(({ spec }) => spec.containers[0]?.image.split(':').at(-1))
}
const pods = async ({ namespace }: Place) => (await world.cluster.pods(namespace)).map(({ metadata }) => metadata.uid)
const short = ({ status, statusReason, progress, waitingFor }: Execution) => ({
  status,
  statusReason,
  progress,
  waitingFor,
})

const begun = (place: Place, body: object): Promise<UpgradeHandle> => started(world.api, place.tenantId, body)

test.concurrent('a canary is promoted: real pods come to the new version, and the release is DEPLOYED on it', async () => {
  const { place, release } = await deployed('1.2.0')
  const execution = await begun(place, upgrade('1.2.0', { strategy: 'CANARY', canaryPercentage: 25 }))
  const canary = await execution.untilStatus('CANARY_MONITORING', patience)
  expect(short(canary)).toMatchObject({ progress: { total: 4, completed: 1, pending: 3 } })
  expect(await release.read()).toMatchObject({
    status: 'PENDING_UPGRADE',
    executionId: execution.id,
    chartVersion: '1.2.0',
  })
  problem(await release.upgrade({ valuesOverride: { replicaCount: 5 } }), 409, 'claimed_by_execution')
  await execution.give('promote-canary')
  const done = await execution.untilStatus('COMPLETED', patience)
  expect(new Set(done.instances.map(({ version }) => version))).toEqual(new Set(['1.3.0']))
  expect(await release.read()).toMatchObject({
    status: 'DEPLOYED',
    chartVersion: '1.3.0',
    executionId: null,
    revision: 2,
  })
  expect(await world.hand.helm('history', 'app', '-n', place.namespace)).toContain('deployed')
  const deployment = await world.cluster.deployment(place.namespace, 'app')
  expect(JSON.stringify(deployment)).not.toMatch(/flotilla-gate|2000000000|"paused":true/)
})

test.concurrent('an upgrade to a version that never becomes healthy rolls itself back; untouched pods run on', async () => {
  const { place, release } = await deployed('1.3.0')
  const before = await pods(place)
  const execution = await begun(
    place,
    upgrade('1.3.0', { autoRollbackEnabled: true, failureThreshold: 1, batchSize: 1, healthCheckTimeoutSeconds: 4 }),
  )
  const done = await execution.untilStatus('ROLLED_BACK', patience)
  expect(new Set(done.instances.map(({ version }) => version))).toEqual(new Set(['1.3.0']))
  expect(await release.read()).toMatchObject({
    status: 'DEPLOYED',
    chartVersion: '1.3.0',
    frozen: null,
    executionId: null,
  })
  expect(await release.verdicts()).toEqual(['3 DEPLOYED', '2 FAILED', '1 DEPLOYED'])
  const after = await pods(place)
  expect(after.filter((uid) => before.includes(uid)).length).toBeGreaterThanOrEqual(3)
})

test.concurrent('cancelled in the middle it leaves the fleet frozen, and unfreezing ends that', async () => {
  const { place, release } = await deployed('1.2.0')
  const execution = await begun(place, upgrade('1.2.0', { batchSize: 1, batchDelaySeconds: 3_600 }))
  await execution.until('one is done', ({ progress }) => progress.completed === 1, patience)
  await execution.give('pause')
  await execution.give('resume')
  await execution.give('cancel')
  await execution.untilStatus('CANCELLED', patience)
  const frozen = await release.read()
  expect(frozen).toMatchObject({
    status: 'FAILED',
    attemptedChartVersion: '1.3.0',
    frozen: { executionId: execution.id, versions: { '1.2.0': 3, '1.3.0': 1 } },
  })
  ok(await world.api.post(`${release.path}/unfreeze?to=target`, undefined))
  expect(await release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.3.0', frozen: null })
  expect(await images(place)).toHaveLength(4)
})

test.concurrent('what is not deployed, another number of instances and a busy release are refused', async () => {
  const { place, release } = await deployed('1.2.0', 2)
  const { detail } = problem(await initiate(world.api, place.tenantId, upgrade('1.3.0')), 409, 'version_not_deployed')
  expect(detail).toContain('1.2.0')
  expect(detail).toContain('1.3.0')
  const more = await initiate(world.api, place.tenantId, upgrade('1.2.0', { totalInstances: 5 }))
  expect(problem(more, 422, 'refused')).toMatchObject({ totalInstances: 5, found: 2 })
  const execution = ok(await initiate(world.api, place.tenantId, upgrade('1.2.0', { totalInstances: 2 })), 201)
  expect(execution).toMatchObject({ totalInstances: 2, target: { kind: 'workload', releaseId: release.id } })
  ok(await release.upgrade({ chartVersion: '1.3.0' }))
  const late = await world.api.post(`/registry/upgrades/${execution.id}/start`, {})
  problem(late, 409, 'version_not_deployed')
})

test.concurrent('blue-green: the whole new set beside the old one, then one switch; traffic ends on the new', async () => {
  const { place, release } = await deployed('1.2.0', 3)
  const execution = await begun(place, upgrade('1.2.0', { strategy: 'BLUE_GREEN', healthCheckTimeoutSeconds: 5 }))
  await execution.untilStatus('COMPLETED', patience)
  expect(await release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.3.0' })
  expect(await images(place)).toEqual(['2.3.0', '2.3.0', '2.3.0'])
})

test.concurrent('a StatefulSet moves from its highest ordinal on; BLUE_GREEN is refused for it', async () => {
  const place = world.place()
  const wanted = { chartName: 'matih-metadata-store', chartVersion: '1.2.0', valuesOverride: { replicaCount: 3 } }
  const release = await place.installed(wanted)
  const blueGreen = upgrade('1.2.0', { strategy: 'BLUE_GREEN' }, store)
  problem(await initiate(world.api, place.tenantId, blueGreen), 422, 'refused')
  const execution = await begun(place, upgrade('1.2.0', { batchSize: 1 }, store))
  await execution.until(
    'the highest first',
    ({ instances }) => instances.map(({ version }) => version).join() === '1.2.0,1.2.0,1.3.0',
    { ...patience, everyMs: 20 },
  )
  await execution.untilStatus('COMPLETED', patience)
  expect(await release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.3.0' })
})

test.concurrent('several releases are instances themselves: each is upgraded in its turn', async () => {
  const place = world.place()
  const named = (releaseName: string) =>
    place.installed({ releaseName, chartName: 'matih-query-engine', chartVersion: '1.2.0' })
  const releases = [await named('one'), await named('two'), await named('three')]
  const execution = await begun(place, upgrade('1.2.0', { batchSize: 1 }))
  expect(await execution.read()).toMatchObject({ totalInstances: 3, target: { kind: 'releases' } })
  const done = await execution.untilStatus('COMPLETED', patience)
  expect(done.instances.map(({ currentPod }) => currentPod).sort()).toEqual(['one', 'three', 'two'])
  for (const release of releases) {
    expect(await release.read()).toMatchObject({
      status: 'DEPLOYED',
      chartVersion: '1.3.0',
      revision: 2,
      executionId: null,
    })
  }
})

test.concurrent('after an upgrade that failed, a rollback goes to the version that ran, not to the failed revision', async () => {
  const { place, release } = await deployed('1.2.0')
  const before = await images(place)
  problem(await release.upgrade({ chartVersion: '1.4.0', timeout: 8 }), 422, 'not_ready')
  const execution = await begun(place, upgrade('1.2.0', { strategy: 'CANARY', canaryPercentage: 25 }))
  await execution.untilStatus('CANARY_MONITORING', patience)
  await execution.give('rollback')
  await execution.untilStatus('ROLLED_BACK', patience)
  expect(await release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.2.0', frozen: null })
  expect(await images(place)).toEqual(before)
  expect((await release.history())[0]).toMatchObject({ description: expect.stringContaining('back to 1.2.0') })
})

test.concurrent('several releases to a version that never gets ready: those that moved go back', async () => {
  const place = world.place()
  const named = (releaseName: string) =>
    place.installed({ releaseName, chartName: 'matih-query-engine', chartVersion: '1.3.0' })
  const releases = [await named('one'), await named('two')]
  const wanted = { batchSize: 1, autoRollbackEnabled: true, failureThreshold: 1, healthCheckTimeoutSeconds: 4 }
  const execution = await begun(place, upgrade('1.3.0', wanted))
  await execution.untilStatus('ROLLED_BACK', patience)
  const revisions = await Promise.all(releases.map(async (release) => (await release.read()).revision))
  expect(revisions.sort()).toEqual([1, 3])
  for (const release of releases)
    expect(await release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.3.0' })
})

test.concurrent('another hand ends it: its change takes effect', async () => {
  const { place, release } = await deployed('1.2.0')
  const execution = await begun(place, upgrade('1.2.0', { strategy: 'CANARY' }))
  await execution.untilStatus('CANARY_MONITORING', patience)
  await world.hand.helm('rollback', 'app', '1', '-n', place.namespace, ...handFlags.force)
  const done = await execution.untilStatus('FAILED', patience)
  expect(done.statusReason).toBe('CHANGED_BY_ANOTHER_HAND')
  const after = await release.until(
    'let go',
    ({ status, executionId }) => executionId === null && status === 'DEPLOYED',
  )
  expect(after.frozen).toBeNull()
})

test.concurrent('a version whose image an override pins away is refused before anything is touched', async () => {
  const of = await registerComponent(world.api, { chartName: 'matih-query-engine' }, ['1.2.0', '1.3.0'])
  const image = { dockerImage: 'registry.example.com/query-engine:2.3.0' }
  ok(await world.api.ask('PATCH', `/registry/components/${of.id}/versions/${of.versions['1.3.0']}`, { body: image }))
  const { place, release } = await deployed('1.2.0', 1)
  const done = await (await begun(place, upgrade('1.2.0', {}, of))).untilStatus('FAILED', patience)
  expect(done.transitions.map(({ to }) => to)).toEqual(['VALIDATING', 'FAILED'])
  expect(JSON.stringify(done.transitions)).toContain('image.tag')
  expect(await release.read()).toMatchObject({ status: 'DEPLOYED', revision: 1, executionId: null })
})

test.concurrent('a rollback of the release may cancel the execution first', async () => {
  const { place, release } = await deployed('1.2.0', 3)
  const execution = await begun(place, upgrade('1.2.0', { strategy: 'CANARY' }))
  await execution.untilStatus('CANARY_MONITORING', patience)
  problem(await release.rollback(1), 409, 'claimed_by_execution')
  const answer = await world.api.post<{ status: string }>(`${release.path}/rollback?cancelExecution=true`, {
    targetRevision: 1,
  })
  expect(ok(answer)).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.2.0', frozen: null, executionId: null })
  expect((await execution.read()).status).toBe('CANCELLED')
  expect(await images(place)).toEqual(['2.2.0', '2.2.0', '2.2.0'])
})

test.concurrent.each(['ROLLING', 'CANARY', 'STAGED', 'RECREATE'])(
  'a version whose pods are the same: helm runs, nothing moves, and %s is over',
  async (strategy) => {
    const of = await registerComponent(world.api, { chartName: 'workload' })
    const place = world.place()
    const release = await place.installed({ chartName: 'workload' })
    const before = (await pods(place)).toSorted()
    const target = { kind: 'workload', releaseId: release.id, workload: { name: 'app' } }
    const execution = await begun(place, upgradeRequest(of, { strategy, target }))
    const done = await execution.untilStatus('COMPLETED', patience)
    expect(done.transitions.map(({ to }) => to)).toEqual(['VALIDATING', 'IN_PROGRESS', 'COMPLETED'])
    expect(done.instances.map(({ status, unchanged }) => [status, unchanged])).toEqual([
      ['COMPLETED', true],
      ['COMPLETED', true],
    ])
    expect((await pods(place)).toSorted()).toEqual(before)
    expect(await release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.1.0', revision: 2 })
  },
)

test.concurrent('what changes at once for every instance is a warning that names it', async () => {
  const of = await registerComponent(world.api, { chartName: 'matih-ai-service' }, ['1.2.0', '1.3.0'])
  const place = world.place()
  await place.installed({ chartName: 'matih-ai-service', chartVersion: '1.2.0', valuesOverride: { replicaCount: 1 } })
  const done = await (await begun(place, upgradeRequest(of))).untilStatus('COMPLETED', patience)
  const [warning] = done.warnings.filter(({ code }) => code === 'CHANGES_AT_ONCE')
  expect(warning?.message).toContain('Job app-migration')
  expect(warning?.message).toContain('Secret app')
})

test.concurrent('of many starts at once one is taken; of a start and an upgrade at once one goes first, and the other is told', async () => {
  const { place, release } = await deployed('1.2.0', 2)
  const made = await initiate(world.api, place.tenantId, upgrade('1.2.0', { strategy: 'CANARY' }))
  const path = `/registry/upgrades/${ok(made, 201).id}`
  const starts = Array.from({ length: 10 }, () => world.api.post<Execution>(`${path}/start`, {}))
  const [manual, ...answers] = await Promise.all([release.upgrade({ valuesOverride: { replicaCount: 3 } }), ...starts])
  const taken = answers.filter(({ status }) => status === 202)
  expect(answers.filter(({ status }) => status !== 202).every(({ status }) => status === 409)).toBe(true)
  if (manual?.status === 200) {
    expect(taken).toEqual([])
    for (const answer of answers) problem(answer, 409, 'operation_in_progress')
  } else {
    problem(manual as Answer<Release>, 409, 'claimed_by_execution')
    expect(taken).toHaveLength(1)
  }
  expect((await release.history()).length).toBeLessThanOrEqual(2)
  ok(await world.api.post(`${path}/cancel?immediate=true`, {}), 202)
})

test.concurrent('a claimed release is left alone by every other command, and by a batch; PENDING claims nothing', async () => {
  const { place, release } = await deployed('1.2.0', 2)
  const { tenantId } = place
  const execution = await initiated(world.api, tenantId, upgrade('1.2.0', { strategy: 'CANARY' }))
  ok(await release.upgrade({ valuesOverride: { replicaCount: 3 } }))
  await execution.give('start')
  await execution.untilStatus('CANARY_MONITORING', patience)
  const claimed = async (answer: Answer<unknown>) =>
    expect(problem(answer, 409, 'claimed_by_execution')).toMatchObject({ executionId: execution.id })
  await claimed(await release.upgrade({ chartVersion: '1.3.0' }))
  await claimed(await release.rollback(1))
  await claimed(await release.rollbackToLastSuccessful())
  await claimed(await release.uninstall())
  problem(await world.api.post(`${release.path}/unfreeze?to=target`, undefined), 409, 'not_frozen')
  expect((await release.recover({})).status).toBe(409)
  const { currentOperationId } = await release.read()
  const cancelled = await world.api.post(`/operations/${currentOperationId}/cancel`, {})
  expect(problem(cancelled, 409, 'not_cancellable').executionId).toBe(execution.id)
  const key = { name: 'batch', role: 'tenant-operator', tenants: [tenantId] }
  const operator = new Api(world.flotilla.url, ok(await world.api.post<{ key: string }>('/api-keys', key), 201).key)
  const batch = '/helm/releases/chart/matih-query-engine/batch-upgrade?targetVersion=1.3.0'
  const { upgraded, failed, skipped } = ok(await operator.post<Record<string, readonly unknown[]>>(batch, {}))
  expect([upgraded, failed]).toEqual([[], []])
  expect(skipped).toMatchObject([{ release: { id: release.id }, reason: expect.stringMatching(/execution|claimed/i) }])
  const other = await registerComponent(world.api, { chartName: 'matih-query-engine' }, ['1.2.0', '1.3.0'])
  await claimed(await initiate(world.api, tenantId, upgradeRequest(other)))
  expect(await release.read()).toMatchObject({ status: 'PENDING_UPGRADE', executionId: execution.id })
  await execution.give('rollback')
  await execution.untilStatus('ROLLED_BACK', patience)
  expect(await release.read()).toMatchObject({
    status: 'DEPLOYED',
    executionId: null,
    valuesOverride: { replicaCount: 3 },
  })
})
