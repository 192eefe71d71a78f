import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, ok, problem } from '../support/api.ts'
import type { Patience } from '../support/eventually.ts'
import { expectToldAsPublished } from '../support/told.ts'
import { type Execution, type RegisteredComponent, rehearsalRequest, UpgradeHandle } from '../support/upgrades.ts'
import { openWorld, type World } from '../support/world.ts'
import { Fleet, registerFleet } from './support/fleet.ts'

/*
 * The source document of upgrade executions from its first line to its last, as a reader has it in hand: its requests
 * word for word, with ids in the place of its short ones, in its order and under its headings. Twenty real instances;
 * the canary takes the document's own 30 seconds, in which the headings in between are gone through.
 */

let world: World
let component: RegisteredComponent
let fleet: Fleet
/** The execution of the document's example. */
let example: UpgradeHandle
beforeAll(async () => {
  world = await openWorld()
  component = await registerFleet(world)
  const { '1.1.0': target } = component.versions
  const needs = { dependencies: { kafka: '>=3.5.0', postgresql: '>=16.0.0' } }
  ok(await world.api.ask('PATCH', `/registry/components/${component.id}/versions/${target}`, { body: needs }))
  fleet = await Fleet.install(world, component, { kind: 'Deployment', size: 20 })
})
afterAll(() => world.close())

const patience: Patience = { withinMs: 90_000 }

const initiateExample = `curl -X POST http://localhost:8084/api/v1/registry/tenants/550e8400/upgrades \\
-H "Content-Type: application/json" \\
-H "Authorization: Bearer \${TOKEN}" \\
-d '{
"componentId": "aaa-111",
"fromVersionId": "bbb-222",
"toVersionId": "ccc-333",
"strategy": "CANARY",
"canaryPercentage": 10,
"batchSize": 5,
"batchDelaySeconds": 60,
"healthCheckIntervalSeconds": 30,
"healthCheckTimeoutSeconds": 300,
"maxUnavailablePercentage": 25,
"totalInstances": 20,
"autoRollbackEnabled": true,
"failureThreshold": 3,
"initiatedBy": "admin@matih.ai",
"installedComponents": {
"kafka": "3.6.0",
"postgresql": "16.1"
}
}'`

/** The ids of the document's example, and the token of its shell. */
const realIds = (): Readonly<Record<string, string>> => ({
  '550e8400': fleet.place.tenantId,
  'aaa-111': component.id,
  'bbb-222': component.versions['1.0.0'] ?? '',
  'ccc-333': component.versions['1.1.0'] ?? '',
  '${TOKEN}': world.api.key,
})

/** Sends what a curl command says. */
async function curl(command: string): Promise<Answer<Execution>> {
  const text = Object.entries(realIds()).reduce((filled, [id, real]) => filled.replaceAll(id, real), command)
  const [, method = '', url = ''] = /^curl -X (\w+) (\S+)/.exec(text) ?? []
  const headers = [...text.matchAll(/-H "([^:]+): ([^"]+)"/g)].map(
    ([, name = '', value = '']) => [name, value] as const,
  )
  const [, body = null] = /-d '([^']*)'/.exec(text) ?? []
  const here = url.replace('http://localhost:8084', world.flotilla.url)
  const answer = await fetch(here, { method, headers: Object.fromEntries(headers), body })
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Execution }
}

/** Sends `METHOD /path` as the document writes it, without a body. */
function endpoint<T>(line: string, more: Readonly<Record<string, string>> = {}): Promise<Answer<T>> {
  const ids = { tenantId: fleet.place.tenantId, componentId: component.id, executionId: example.id, ...more }
  const filled = Object.entries(ids).reduce((text, [name, id]) => text.replace(`:${name}`, id), line)
  const [method = '', path = ''] = filled.split(' ')
  return world.api.ask<T>(method, path.replace('/api/v1', ''), {})
}

/** A rehearsal of the document's component, which takes none of its time. */
async function rehearsed(more: object = {}, faults: object = {}): Promise<UpgradeHandle> {
  const installedComponents = { kafka: '3.6.0', postgresql: '16.1' }
  const body = rehearsalRequest(component, { installedComponents, ...more }, faults)
  const made = await world.api.post<Execution>(`/registry/tenants/${fleet.place.tenantId}/upgrades`, body)
  return new UpgradeHandle(world.api, ok(made, 201))
}

/** Another fleet of the component, upgraded in a second or two. */
async function brief(values: object, more: object = {}): Promise<UpgradeHandle> {
  const other = await Fleet.install(world, component, { kind: 'Deployment', size: 1, values })
  return other.started({ installedComponents: { kafka: '3.6.0', postgresql: '16.1' }, ...more })
}

const asDocumented = {
  strategy: 'CANARY',
  canaryPercentage: 10,
  batchSize: 5,
  batchDelaySeconds: 60,
  healthCheckIntervalSeconds: 30,
  healthCheckTimeoutSeconds: 300,
  maxUnavailablePercentage: 25,
  totalInstances: 20,
  autoRollbackEnabled: true,
  failureThreshold: 3,
  installedComponents: { kafka: '3.6.0', postgresql: '16.1' },
}

describe('Initiate an Upgrade', () => {
  test('both versions belong to the same component, and the path validation passes', async () => {
    problem(await curl(initiateExample.replace('ccc-333', component.id)), 404, 'not_found')
    const far = initiateExample.replace('ccc-333', component.versions['1.2.0'] ?? '')
    expect(problem(await curl(far), 422, 'refused').blockers).toMatchObject([{ code: 'SEVERAL_HOPS' }])
    const without = initiateExample.replace('"postgresql": "16.1"', '"postgresql": "15.9"')
    const { blockers } = problem(await curl(without), 422, 'refused')
    expect(blockers).toMatchObject([{ code: 'DEPENDENCY_OUT_OF_RANGE', component: 'postgresql' }])
  })

  test('the example makes an execution, and no other while it is active', async () => {
    const answer = await curl(initiateExample)
    const execution = ok(answer, 201)
    example = new UpgradeHandle(world.api, execution)
    expect(answer.headers.get('location')).toBe(`/api/v1/registry/upgrades/${execution.id}`)
    expect(execution).toMatchObject({
      ...asDocumented,
      tenantId: fleet.place.tenantId,
      componentId: component.id,
      fromVersionId: component.versions['1.0.0'],
      toVersionId: component.versions['1.1.0'],
      status: 'PENDING',
      initiatedByLabel: 'admin@matih.ai',
      target: { kind: 'workload', releaseId: fleet.release.id },
    })
    expect(execution.instances).toHaveLength(20)
    expect(problem(await curl(initiateExample), 409, 'execution_active').executionId).toBe(execution.id)
  })
})

test('UpgradeRequest Structure: every default', async () => {
  const [fromVersionId, toVersionId] = Object.values(component.versions)
  const required = { componentId: component.id, fromVersionId, toVersionId }
  for (const field of Object.keys(required)) {
    const answer = await fleet.world.api.post(`/registry/tenants/${fleet.place.tenantId}/upgrades`, {
      ...required,
      [field]: undefined,
    })
    expect(problem(answer, 400, 'malformed').errors?.map(({ pointer }) => pointer)).toEqual([`/${field}`])
  }
  const known = { installedComponents: asDocumented.installedComponents, target: { kind: 'rehearsal' } }
  const path = `/registry/tenants/${fleet.place.tenantId}/upgrades`
  const execution = ok(await world.api.post<Execution>(path, { ...required, ...known }), 201)
  expect(execution).toMatchObject({
    ...required,
    strategy: 'ROLLING',
    canaryPercentage: 10,
    batchSize: 5,
    batchDelaySeconds: 60,
    healthCheckIntervalSeconds: 30,
    healthCheckTimeoutSeconds: 300,
    maxUnavailablePercentage: 25,
    totalInstances: 10,
    autoRollbackEnabled: false,
    failureThreshold: 3,
    initiatedByLabel: null,
  })
  await new UpgradeHandle(world.api, execution).give('cancel')
})

test('Upgrade Strategies: all five', async () => {
  for (const strategy of ['ROLLING', 'CANARY', 'BLUE_GREEN', 'RECREATE', 'STAGED']) {
    const execution = await rehearsed({ strategy })
    expect(await execution.read()).toMatchObject({ strategy, status: 'PENDING' })
    await execution.give('cancel')
  }
})

describe('Start an Upgrade', () => {
  test('the example is VALIDATING, and its five checks run asynchronously', async () => {
    const line = 'POST /api/v1/registry/upgrades/:executionId/start'
    expect(ok(await endpoint<Execution>(line), 202)).toMatchObject({ id: example.id, status: 'VALIDATING' })
    const { checks } = await example.until('checked', (seen) => seen.checks.length === 5, patience)
    expect(checks.map(({ name, phase, status }) => `${phase} ${name} ${status}`)).toEqual([
      'PRE VERSION_PATH PASSED',
      'PRE RESOURCES PASSED',
      'PRE BACKUP PASSED',
      'PRE HEALTH_ENDPOINTS PASSED',
      'PRE DEPENDENCIES PASSED',
    ])
  })

  test('with CANARY a canary deployment begins', async () => {
    const { transitions, canaryInstances } = await example.untilStatus('CANARY_RUNNING', patience)
    expect(transitions.map(({ to }) => to)).toEqual(['VALIDATING', 'CANARY_RUNNING'])
    expect(canaryInstances).toBe(2)
  })

  test('otherwise a rolling upgrade starts immediately', async () => {
    const execution = await brief({})
    const { transitions } = await execution.untilStatus('COMPLETED', patience)
    expect(transitions.map(({ to }) => to)).toEqual(['VALIDATING', 'IN_PROGRESS', 'COMPLETED'])
  })
})

describe('Pause, Resume, and Cancel', () => {
  test('from CANARY_RUNNING, and on from where it left off', async () => {
    const pause = 'POST /api/v1/registry/upgrades/:executionId/pause'
    const resume = 'POST /api/v1/registry/upgrades/:executionId/resume'
    expect(ok(await endpoint<Execution>(pause), 202).status).toBe('PAUSED')
    expect(problem(await endpoint(pause), 409, 'wrong_status')).toMatchObject({ executionStatus: 'PAUSED' })
    expect(ok(await endpoint<Execution>(resume), 202).status).toBe('CANARY_RUNNING')
    problem(await endpoint(resume), 409, 'wrong_status')
  })

  test('any status but a terminal one is cancelled', async () => {
    const cancel = 'POST /api/v1/registry/upgrades/:executionId/cancel'
    const { id: executionId } = await rehearsed()
    expect(ok(await endpoint<Execution>(cancel, { executionId }), 202).status).toBe('CANCELLED')
    problem(await endpoint(cancel, { executionId }), 409, 'wrong_status')
  })
})

describe('Canary Workflow', () => {
  test('if health checks fail and auto-rollback is enabled, rollback is triggered automatically', async () => {
    const failing = { turnsBad: [{ index: 0, afterSeconds: 3 }] }
    const execution = await rehearsed({ strategy: 'CANARY', autoRollbackEnabled: true }, failing)
    await execution.give('start')
    const { transitions, rollbackInfo } = await execution.untilStatus('ROLLED_BACK', patience)
    expect(transitions.map(({ to }) => to)).toEqual([
      'VALIDATING',
      'CANARY_RUNNING',
      'CANARY_MONITORING',
      'ROLLING_BACK',
      'ROLLED_BACK',
    ])
    expect(rollbackInfo).toMatchObject({ autoRollbackEnabled: true, currentFailures: 1 })
    expect(rollbackInfo.rollbackInitiatedBy).toBe('flotilla')
  })

  test('10% of 20 is 2 instances on the new version, and the monitor looks every 30 seconds', async () => {
    const monitored = await example.untilStatus('CANARY_MONITORING', patience)
    expect(monitored.progress).toEqual({ total: 20, pending: 18, inFlight: 0, completed: 2, failed: 0, rolledBack: 0 })
    await fleet.reaches({ '1.0.0': 18, '1.1.0': 2 })
    const waiting = await example.until('says so', ({ waitingFor }) => waitingFor?.reason === 'CANARY_PROMOTION')
    const next = Date.parse(waiting.waitingFor?.until ?? '') - Date.now()
    expect(next).toBeLessThanOrEqual(30_000)
  })

  test('on manual promotion the remaining instances are upgraded via rolling strategy', async () => {
    const promote = 'POST /api/v1/registry/upgrades/:executionId/promote-canary'
    expect(ok(await endpoint<Execution>(promote), 202).status).toBe('IN_PROGRESS')
    problem(await endpoint(promote), 409, 'wrong_status')
    const checked = (seen: Execution) => seen.instances.filter(({ status }) => status === 'HEALTH_CHECKING').length
    const batch = await example.until('a batch is up', (seen) => checked(seen) === 5, patience)
    expect(batch.progress).toMatchObject({ pending: 13, inFlight: 5, completed: 2 })
  })
})

describe('Query Executions', () => {
  test('by ID, of a tenant, and the active one', async () => {
    const byId = ok(await endpoint<Execution>('GET /api/v1/registry/upgrades/:executionId'))
    expect(byId).toMatchObject({ ...asDocumented, id: example.id, status: 'IN_PROGRESS' })
    const all = ok(await endpoint<readonly Execution[]>('GET /api/v1/registry/tenants/:tenantId/upgrades'))
    expect(all.filter(({ rehearsal }) => !rehearsal).map(({ id }) => id)).toEqual([example.id])
    const line = 'GET /api/v1/registry/tenants/:tenantId/components/:componentId/upgrades/active'
    expect(ok(await endpoint<Execution>(line))).toMatchObject({ id: example.id, status: 'IN_PROGRESS' })
  })
})

describe('Rollback', () => {
  test('reverts all upgraded and health-checking instances to the previous version; RollbackInfo Structure', async () => {
    const line = 'POST /api/v1/registry/upgrades/:executionId/rollback?reason=Manual+rollback'
    const before = Date.now()
    const { status, initiatedBy } = ok(await endpoint<Execution>(line), 202)
    expect(status).toBe('ROLLING_BACK')
    const done = await example.untilStatus('ROLLED_BACK', patience)
    const { rollbackInitiatedAt, rolledBackInstances, ...info } = done.rollbackInfo
    expect(info).toEqual({
      autoRollbackEnabled: true,
      failureThreshold: 3,
      currentFailures: 0,
      rollbackReason: 'Manual rollback',
      rollbackInitiatedBy: initiatedBy,
    })
    expect(Date.parse(rollbackInitiatedAt ?? '')).toBeGreaterThanOrEqual(before - 1_000)
    const back = done.instances.filter((instance) => instance.status === 'ROLLED_BACK').map(({ id }) => id)
    expect(back).toHaveLength(7)
    expect(rolledBackInstances.toSorted()).toEqual(back.toSorted())
    await fleet.reaches({ '1.0.0': 20 })
    expect(await fleet.release.read()).toMatchObject({ status: 'DEPLOYED', chartVersion: '1.0.0', executionId: null })
    const active = 'GET /api/v1/registry/tenants/:tenantId/components/:componentId/upgrades/active'
    problem(await endpoint(active), 404, 'no_active_execution')
  })
})

test('Upgrade Statistics: ExecutionStatistics Structure', async () => {
  const failed = await brief(
    { faults: { '1.1.0': 'never-ready' } },
    { failureThreshold: 1, healthCheckTimeoutSeconds: 2 },
  )
  await failed.untilStatus('FAILED', patience)
  const line = 'GET /api/v1/registry/components/:componentId/upgrade-statistics'
  const { averageDurationSeconds, successRate, ...counts } = ok(await endpoint<Record<string, number>>(line))
  const ended = { totalExecutions: 3, successfulExecutions: 1, failedExecutions: 2 }
  expect(counts).toEqual({ componentId: component.id, ...ended })
  expect(successRate).toBeCloseTo(100 / 3, 1)
  expect(averageDurationSeconds).toBeGreaterThan(0)
})

/** The document's table; the steps that SPEC section 5 adds to it stand apart. */
const lifecycle: Readonly<Record<string, { readonly document: readonly string[]; readonly added: readonly string[] }>> =
  {
    PENDING: { document: ['VALIDATING', 'CANCELLED'], added: [] },
    VALIDATING: { document: ['IN_PROGRESS', 'CANARY_RUNNING', 'FAILED'], added: ['CANCELLED'] },
    IN_PROGRESS: { document: ['PAUSED', 'COMPLETED', 'FAILED', 'ROLLING_BACK', 'CANCELLED'], added: [] },
    CANARY_RUNNING: { document: ['CANARY_MONITORING', 'PAUSED', 'FAILED', 'CANCELLED'], added: [] },
    CANARY_MONITORING: { document: ['IN_PROGRESS', 'ROLLING_BACK', 'CANCELLED'], added: ['FAILED'] },
    PAUSED: { document: ['IN_PROGRESS', 'CANCELLED'], added: ['CANARY_RUNNING', 'FAILED'] },
    ROLLING_BACK: { document: ['ROLLED_BACK', 'FAILED'], added: ['CANCELLED'] },
    ROLLED_BACK: { document: [], added: [] },
    COMPLETED: { document: [], added: [] },
    FAILED: { document: [], added: [] },
    CANCELLED: { document: [], added: [] },
  }

test('Execution Status Lifecycle: every step above is one of the table', async () => {
  const all = ok(await world.api.get<readonly Execution[]>('/registry/upgrades'))
  const steps = all.flatMap(({ transitions }) => transitions)
  expect(steps.length).toBeGreaterThan(20)
  for (const { from, to } of steps) {
    const { document, added } = lifecycle[from] ?? { document: [], added: [] }
    expect([...document, ...added]).toContain(to)
  }
})

test('Instance Upgrade Lifecycle: an instance of the canary, to its end', async () => {
  const changes = (await example.events()).filter(({ type }) => type === 'execution.instance-changed')
  const data = changes.map((change) => change.data as { readonly instanceId: string; readonly status: string })
  const canary = data.find(({ status }) => status === 'COMPLETED')?.instanceId
  const seen = data.filter(({ instanceId }) => instanceId === canary).map(({ status }) => status)
  expect(seen.filter((status, n) => status !== seen[n - 1])).toEqual([
    'UPGRADING',
    'HEALTH_CHECKING',
    'COMPLETED',
    'ROLLED_BACK',
  ])
})

test('all of this was told as docs/events says', () => expectToldAsPublished(world.api))
