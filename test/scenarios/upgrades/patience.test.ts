import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { ok } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import type { Execution, RegisteredComponent, UpgradeHandle } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, registerFleet } from './support/fleet.ts'

// Fleets that take long as a whole, though none of their pods does; and fleets that never go on.

vi.setConfig({ testTimeout: 220_000 })
let world: World
let component: RegisteredComponent
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
})
afterAll(() => world.close())

const ended = (execution: UpgradeHandle): Promise<Execution> =>
  execution.until('ended', ({ endedAt }) => endedAt !== null, { withinMs: 150_000 })

test.concurrent.each([
  { strategy: 'ROLLING', size: 4, batchSize: 4, maxUnavailablePercentage: 100 },
  { strategy: 'RECREATE', size: 4 },
])('a StatefulSet comes up pod by pod, each in its time: $strategy', async ({ size, ...more }) => {
  const fleet = await Fleet.install(world, component, { kind: 'StatefulSet', size, values: { readyMs: 3_000 } })
  const done = await ended(await fleet.started({ ...more, healthCheckTimeoutSeconds: 6, failureThreshold: 1 }))
  expect(done).toMatchObject({ status: 'COMPLETED', rollbackInfo: { currentFailures: 0 } })
  await fleet.reaches({ '1.1.0': size })
})

test.concurrent('pods of a StatefulSet that come all at once are no less healthy', async () => {
  const values = { readyMs: 3_000, spec: { podManagementPolicy: 'Parallel' } }
  const fleet = await Fleet.install(world, component, { kind: 'StatefulSet', size: 4, values })
  const wanted = { batchSize: 4, maxUnavailablePercentage: 100, healthCheckTimeoutSeconds: 6, failureThreshold: 1 }
  expect((await ended(await fleet.started(wanted))).status).toBe('COMPLETED')
})

test.concurrent('another workload of the release is waited for as long as it moves', async () => {
  const values = { second: true, secondKind: 'StatefulSet', secondReplicas: 4, secondReadyMs: 2_500 }
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 2, values })
  const workload = { kind: 'Deployment', name: 'app' }
  const target = { kind: 'workload', releaseId: fleet.release.id, workload }
  expect((await ended(await fleet.started({ target, healthCheckTimeoutSeconds: 6 }))).status).toBe('COMPLETED')
  await fleet.reaches({ '1.1.0': 4 }, 'app-second')
})

test.concurrent('instances that others broke and that use up the budget are waited for until then, and named at the end', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'StatefulSet', size: 5 })
  const before = await fleet.uids()
  const lowest = (await fleet.pods()).filter(({ name }) => name === 'app-0' || name === 'app-1')
  for (const pod of lowest) await fleet.breaks(pod, 'crash')
  await eventually('they are unready', async () => (await fleet.pods()).filter(({ ready }) => !ready).length === 2)
  const overrideChecks = [{ check: 'HEALTH_ENDPOINTS', reason: 'two of them are broken' }]
  const execution = await fleet.started({ overrideChecks, healthCheckTimeoutSeconds: 8 })
  const waiting = ({ waitingFor }: Execution) => waitingFor?.reason === 'BUDGET_USED_UP'
  const { waitingFor } = await execution.until('it waits', waiting, { withinMs: 60_000 })
  const seen = await execution.until('later', ({ endedAt }) => endedAt === null, { withinMs: 1_000 })
  expect(seen.waitingFor).toEqual(waitingFor)
  const done = await ended(execution)
  expect(done).toMatchObject({ status: 'FAILED', statusReason: 'UNREADY_INSTANCES_USE_UP_THE_BUDGET' })
  expect(done.transitions.at(-1)).toMatchObject({ reason: expect.stringMatching(/not ready: app-[01], app-[01]$/) })
  const lateMs = Date.parse(done.endedAt ?? '') - Date.parse(waitingFor?.until ?? '')
  expect([lateMs >= 0, lateMs < 30_000]).toEqual([true, true])
  expect(await fleet.uids()).toEqual(before)
})

test.concurrent('one of them gets well: the upgrade goes on', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'StatefulSet', size: 4 })
  const [ill] = (await fleet.pods()).filter(({ name }) => name === 'app-0')
  if (ill === undefined) throw new Error('app-0 is there')
  await fleet.breaks(ill, 'crash')
  await eventually('it is unready', async () => (await fleet.pods()).some(({ ready }) => !ready))
  const overrideChecks = [{ check: 'HEALTH_ENDPOINTS', reason: 'one of them is broken' }]
  const execution = await fleet.started({ overrideChecks, healthCheckTimeoutSeconds: 60 })
  await execution.until('it waits', ({ waitingFor }) => waitingFor?.reason === 'BUDGET_USED_UP', { withinMs: 60_000 })
  await fleet.breaks(ill, null)
  expect((await ended(execution)).status).toBe('COMPLETED')
})

test.concurrent('a release that an execution holds says for what, and until when or who ends it', async () => {
  const { api } = world
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 2 })
  const execution = await fleet.started({ batchSize: 1, batchDelaySeconds: 3_600 })
  await execution.until('it waits', ({ waitingFor }) => waitingFor?.reason === 'BATCH_DELAY', { withinMs: 60_000 })
  const reason = 'UPGRADE_EXECUTION'
  const wait = `the upgrade execution ${execution.id} waits for`
  const delayed = (await fleet.release.read()).waitingFor
  expect(delayed).toMatchObject({ reason, detail: `${wait} BATCH_DELAY`, until: expect.stringMatching(/Z$/) })
  await execution.give('pause')
  const detail = `${wait} PAUSED, without a time limit: a person ends that, by resume, rollback or cancel of the execution`
  const paused = { reason, until: null, detail }
  expect((await fleet.release.read()).waitingFor).toEqual(paused)
  const own = `/helm/releases/tenant/${fleet.place.tenantId}`
  expect(ok(await api.get<object[]>(own))).toMatchObject([{ id: fleet.release.id, waitingFor: paused }])
  const operations = ok(await api.get<{ id: string }[]>(`/operations?releaseId=${fleet.release.id}&status=RUNNING`))
  expect(operations).toMatchObject([{ waitingFor: paused }])
  expect(ok(await api.get(`/operations/${operations[0]?.id}`))).toMatchObject({ waitingFor: paused })
  await execution.give('cancel')
  await execution.untilStatus('CANCELLED', { withinMs: 60_000 })
  expect((await fleet.release.read()).waitingFor).toBeNull()
})

test.concurrent('the hook that helm is at is named, forward and on the way back', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 2, values: { hookMs: 12_000 } })
  const execution = await fleet.started({ healthCheckTimeoutSeconds: 60 })
  const names = (event: string) =>
    execution.until(
      event,
      ({ waitingFor }) =>
        waitingFor?.reason === 'HELM' && waitingFor.detail === `helm waits for the hook Job app-hook (${event})`,
      { withinMs: 60_000 },
    )
  await names('post-upgrade')
  await execution.until('instances move', ({ currentBatch }) => currentBatch === 1, { withinMs: 60_000 })
  await execution.give('rollback')
  await names('post-rollback')
  await execution.untilStatus('ROLLED_BACK', { withinMs: 90_000 })
})

test.concurrent('a cancel while helm runs a hook says that it waits for helm, and until when', async () => {
  const fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 2, values: { hookMs: 6_000 } })
  const execution = await fleet.started({ healthCheckTimeoutSeconds: 30 })
  await execution.until('helm runs', ({ waitingFor }) => waitingFor?.reason === 'HELM', { withinMs: 60_000 })
  await execution.give('cancel')
  const says = ({ waitingFor }: Execution) =>
    /helm (is still at work|waits for the hook)/.test(waitingFor?.detail ?? '')
  const { waitingFor } = await execution.until('it says what it waits for', says, { withinMs: 60_000 })
  expect(waitingFor?.reason).toBe('CANCELLING')
  expect(Date.parse(`${waitingFor?.until}`)).toBeGreaterThan(Date.now() + 60_000)
  await execution.untilStatus('CANCELLED', { withinMs: 60_000 })
})
