import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Api, ok, problem } from '../support/api.ts'
import { type Flotilla, removeFlotilla, startFlotilla } from '../support/flotilla.ts'
import { readStream } from '../support/stream.ts'
import {
  type Execution,
  initiate,
  initiated,
  type RegisteredComponent,
  registerComponent,
  registerTenant,
  rehearsalRequest,
  started,
} from '../support/upgrades.ts'

let flotilla: Flotilla
let api: Api
let component: RegisteredComponent
beforeAll(async () => {
  flotilla = await startFlotilla()
  api = new Api(flotilla.url, flotilla.adminKey)
  component = await registerComponent(api)
})
afterAll(() => removeFlotilla(flotilla))

/** Given a rehearsal of its own tenant, started. */
const rehearse = async (more: object = {}, faults: object = {}) =>
  started(api, await registerTenant(api), rehearsalRequest(component, more, faults))
const steps = ({ transitions }: Execution) => transitions.map(({ to }) => to)
const versions = ({ instances }: Execution) => instances.map(({ version }) => version)
const patience = { withinMs: 60_000 }

test.concurrent('ROLLING: all instances come to the target version, batch by batch, and the checks say so', async () => {
  const execution = await rehearse({ totalInstances: 6, batchSize: 2 })
  const done = await execution.untilStatus('COMPLETED', patience)
  expect(steps(done)).toEqual(['VALIDATING', 'IN_PROGRESS', 'COMPLETED'])
  expect(done).toMatchObject({
    currentBatch: 3,
    progress: { total: 6, pending: 0, inFlight: 0, completed: 6, failed: 0, rolledBack: 0 },
    waitingFor: null,
  })
  expect(new Set(versions(done))).toEqual(new Set(['1.1.0']))
  expect(done.checks.map(({ name, phase, status }) => `${phase} ${name} ${status}`)).toEqual([
    'PRE VERSION_PATH PASSED',
    'PRE RESOURCES PASSED',
    'PRE BACKUP PASSED',
    'PRE HEALTH_ENDPOINTS PASSED',
    'PRE DEPENDENCIES PASSED',
    'POST VERSION PASSED',
    'POST READY PASSED',
    'POST HEALTH PASSED',
  ])
  expect(done.endedAt).not.toBeNull()
})

test.concurrent('CANARY: waits for its promotion, then goes on; a stream tells of every step', async () => {
  const execution = await initiated(api, await registerTenant(api), rehearsalRequest(component, { strategy: 'CANARY' }))
  const stream = readStream(api, `${execution.path}/events`)
  await execution.give('start')
  const canary = await execution.untilStatus('CANARY_MONITORING', patience)
  expect(canary).toMatchObject({ canaryInstances: 1, progress: { completed: 1, pending: 9 } })
  await execution.until('says that it waits', ({ waitingFor }) => waitingFor?.reason === 'CANARY_PROMOTION')
  await execution.give('promote-canary')
  const done = await execution.untilStatus('COMPLETED', patience)
  expect(steps(done)).toEqual(['VALIDATING', 'CANARY_RUNNING', 'CANARY_MONITORING', 'IN_PROGRESS', 'COMPLETED'])
  const told = await execution.events()
  const events = await stream.until((seen) => seen.length >= told.length)
  stream.close()
  expect(events.map(({ id }) => Number(id))).toEqual(events.map((_, n) => n + 1))
  expect(told).toEqual(events.map(({ data }) => data))
})

test.concurrent('a bad version with auto-rollback goes back by itself; untouched instances were never restarted', async () => {
  const faults = { neverReady: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] }
  const wanted = { autoRollbackEnabled: true, failureThreshold: 2, batchSize: 2, healthCheckTimeoutSeconds: 2 }
  const execution = await rehearse(wanted, faults)
  const done = await execution.untilStatus('ROLLED_BACK', patience)
  expect(steps(done)).toEqual(['VALIDATING', 'IN_PROGRESS', 'ROLLING_BACK', 'ROLLED_BACK'])
  expect(done.rollbackInfo).toMatchObject({
    autoRollbackEnabled: true,
    failureThreshold: 2,
    currentFailures: 2,
    rollbackInitiatedBy: 'flotilla',
  })
  expect(done.rollbackInfo.rollbackInitiatedAt).not.toBeNull()
  expect(done.rollbackInfo.rolledBackInstances).toHaveLength(2)
  expect(new Set(versions(done))).toEqual(new Set(['1.0.0']))
  const untouched = done.instances.filter(({ status }) => status === 'PENDING')
  expect(untouched).toHaveLength(8)
  for (const instance of untouched) expect(instance.previousPods).toEqual([])
})

test.concurrent('without auto-rollback it ends FAILED, and an execution with a failed instance is never COMPLETED', async () => {
  const stopped = await rehearse({ failureThreshold: 1, healthCheckTimeoutSeconds: 2 }, { neverReady: [0] })
  expect(steps(await stopped.untilStatus('FAILED', patience))).toEqual(['VALIDATING', 'IN_PROGRESS', 'FAILED'])
})

test.concurrent('a rollback that is asked for tells who and why, and takes every instance back', async () => {
  const execution = await rehearse({ strategy: 'CANARY', canaryPercentage: 30 })
  await execution.untilStatus('CANARY_MONITORING', patience)
  const going = await execution.give('rollback', '?reason=Manual+rollback')
  expect(going.rollbackInfo).toMatchObject({ rollbackReason: 'Manual rollback' })
  const done = await execution.untilStatus('ROLLED_BACK', patience)
  expect(done.progress).toMatchObject({ rolledBack: 3, pending: 7 })
  const ids = done.instances.filter(({ status }) => status === 'ROLLED_BACK').map(({ id }) => id)
  expect([...done.rollbackInfo.rolledBackInstances].sort()).toEqual(ids.sort())
  expect(new Set(versions(done))).toEqual(new Set(['1.0.0']))
})

test.concurrent('STAGED stops after each batch but the last; resuming is the approval, and who approved is recorded', async () => {
  const execution = await rehearse({ strategy: 'STAGED', totalInstances: 4, batchSize: 2 })
  const paused = await execution.untilStatus('PAUSED', patience)
  expect(paused).toMatchObject({ statusReason: 'APPROVAL_REQUIRED', progress: { completed: 2, pending: 2 } })
  await execution.give('resume', '', { reason: 'looks well' })
  const done = await execution.untilStatus('COMPLETED', patience)
  expect(done.approvals).toMatchObject([{ batch: 1, reason: 'looks well' }])
})

test.concurrent('BLUE_GREEN and RECREATE come to the target version too', async () => {
  const strategies = ['BLUE_GREEN', 'RECREATE'] as const
  const executions = await Promise.all(
    strategies.map((strategy) => rehearse({ strategy, healthCheckTimeoutSeconds: 3 })),
  )
  for (const execution of executions) {
    const done = await execution.untilStatus('COMPLETED', patience)
    expect(new Set(versions(done))).toEqual(new Set(['1.1.0']))
  }
  const recreated = await executions[1]?.read()
  expect(recreated?.warnings.map(({ code }) => code)).toContain('DOWNTIME')
})

describe('pause and cancel', () => {
  const slow = { batchSize: 1, totalInstances: 3, batchDelaySeconds: 1 }

  test.concurrent('a paused one starts nothing, and goes on where it stopped', async () => {
    const execution = await rehearse(slow)
    await execution.until('one is done', ({ progress }) => progress.completed === 1, patience)
    await execution.give('pause')
    const settled = await execution.until('settled', ({ progress }) => progress.inFlight === 0, patience)
    expect(settled.status).toBe('PAUSED')
    expect(settled.progress.pending).toBeGreaterThan(0)
    await execution.give('resume')
    const done = await execution.untilStatus('COMPLETED', patience)
    expect(steps(done)).toEqual(['VALIDATING', 'IN_PROGRESS', 'PAUSED', 'IN_PROGRESS', 'COMPLETED'])
  })

  test.concurrent('a resume that failures have ended meanwhile answers FAILED, not that it goes on', async () => {
    const wanted = { ...slow, failureThreshold: 1, healthCheckTimeoutSeconds: 3 }
    const execution = await rehearse(wanted, { neverReady: [0] })
    await execution.until('in flight', ({ progress }) => progress.inFlight > 0, patience)
    await execution.give('pause')
    await execution.until('failed', ({ progress }) => progress.failed === 1, patience)
    const resume = () => api.post<Execution>(`${execution.path}/resume`, {}, { 'idempotency-key': 'once' })
    const [first, meanwhile] = await Promise.all([resume(), resume()])
    const ended = ok(first, 202)
    expect([ok(meanwhile, 202), ok(await resume(), 202)]).toEqual([ended, ended])
    expect(ended).toMatchObject({ status: 'FAILED', statusReason: 'FAILURE_THRESHOLD_REACHED', waitingFor: null })
    expect(steps(ended)).toEqual(['VALIDATING', 'IN_PROGRESS', 'PAUSED', 'IN_PROGRESS', 'FAILED'])
  })

  test.concurrent('a cancelled one settles what is in flight, refuses every other command meanwhile, and frees its place', async () => {
    const tenant = await registerTenant(api)
    const execution = await started(api, tenant, rehearsalRequest(component, slow, { readySeconds: 2 }))
    await execution.until('in flight', ({ progress }) => progress.inFlight > 0, patience)
    const cancelling = await execution.give('cancel')
    expect(cancelling).toMatchObject({ status: 'IN_PROGRESS', waitingFor: { reason: 'CANCELLING' } })
    expect((await execution.send('pause')).status).toBe(409)
    expect((await execution.send('cancel')).status).toBe(409)
    const done = await execution.untilStatus('CANCELLED', patience)
    expect(done.progress.inFlight).toBe(0)
    expect(ok(await initiate(api, tenant, rehearsalRequest(component)), 201).status).toBe('PENDING')
  })

  test.concurrent('immediate does not wait', async () => {
    const execution = await rehearse({ ...slow, healthCheckTimeoutSeconds: 600 }, { readySeconds: 600 })
    await execution.until('in flight', ({ progress }) => progress.inFlight > 0, patience)
    await execution.give('cancel')
    await execution.give('cancel', '?immediate=true')
    const { instances } = await execution.untilStatus('CANCELLED', patience)
    expect(instances.filter(({ status }) => status === 'COMPLETED')).toEqual([])
    const untold = instances.filter(
      ({ version, message }) => version === null && !/version is not known/.test(`${message}`),
    )
    expect(untold).toEqual([])
  })
})

test.concurrent('a release that helm cannot apply fails the execution before anything moved', async () => {
  const execution = await rehearse({}, { deployFails: true })
  const done = await execution.untilStatus('FAILED', patience)
  expect(done.progress).toMatchObject({ pending: 10, completed: 0, failed: 0 })
})

test.concurrent('a canary that fails without auto-rollback stays as it is: it is not promoted, and may be rolled back', async () => {
  const faults = { turnsBad: [{ index: 0, afterSeconds: 3 }] }
  const execution = await rehearse({ strategy: 'CANARY' }, faults)
  const failed = await execution.until('says so', ({ waitingFor }) => waitingFor?.reason === 'CANARY_FAILED', patience)
  expect(failed).toMatchObject({
    status: 'CANARY_MONITORING',
    statusReason: 'CANARY_FAILED',
    progress: { failed: 1, pending: 9 },
    rollbackInfo: { currentFailures: 1 },
  })
  const told = problem(await execution.send('promote-canary'), 409, 'wrong_status')
  expect(told).toMatchObject({ executionStatus: 'CANARY_MONITORING', valid: ['rollback', 'cancel'] })
  expect(told.detail).toContain('an instance of the canary failed')
  const attention = ok(await api.get<readonly Execution[]>('/registry/upgrades?attention=true'))
  expect(attention.map(({ id }) => id)).toContain(execution.id)
  await execution.give('rollback')
  await execution.untilStatus('ROLLED_BACK', patience)
})

test.concurrent('with the defaults two failed instances of ten use up the budget, below the threshold', async () => {
  const defaults = { maxUnavailablePercentage: 25, failureThreshold: 3, batchSize: 1, healthCheckTimeoutSeconds: 2 }
  const done = await (await rehearse(defaults, { neverReady: [0, 1, 2, 3] })).untilStatus('FAILED', patience)
  expect(done).toMatchObject({ statusReason: 'FAILURES_USE_UP_THE_BUDGET', progress: { failed: 2, pending: 8 } })
})

test.concurrent('one that fails below the threshold does not stop it, and it ends FAILED', async () => {
  const wanted = { failureThreshold: 3, maxUnavailablePercentage: 50, healthCheckTimeoutSeconds: 8 }
  const done = await (await rehearse(wanted, { neverReady: [1] })).untilStatus('FAILED', patience)
  expect(done).toMatchObject({ statusReason: 'INSTANCES_FAILED', progress: { failed: 1, completed: 9, pending: 0 } })
})
