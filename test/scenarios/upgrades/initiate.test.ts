import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Api, ok, problem } from '../support/api.ts'
import { type Flotilla, removeFlotilla, startFlotilla } from '../support/flotilla.ts'
import {
  initiate,
  initiated,
  type RegisteredComponent,
  registerComponent,
  registerTenant,
  rehearsalRequest,
  UpgradeHandle,
} from '../support/upgrades.ts'

let flotilla: Flotilla
let api: Api
let component: RegisteredComponent
let tenantId: string
beforeAll(async () => {
  flotilla = await startFlotilla()
  api = new Api(flotilla.url, flotilla.adminKey)
  component = await registerComponent(api)
  tenantId = await registerTenant(api)
})
afterAll(() => removeFlotilla(flotilla))

const ends = () => {
  const [fromVersionId, toVersionId] = Object.values(component.versions)
  return { componentId: component.id, fromVersionId, toVersionId }
}
const rehearsal = { target: { kind: 'rehearsal' } }
const caller = async (role: string, tenants: readonly string[]) =>
  new Api(flotilla.url, ok(await api.post<{ key: string }>('/api-keys', { name: role, role, tenants }), 201).key)

test('an initiated execution is PENDING, with every default of the document, and is found where it belongs', async () => {
  const tenant = await registerTenant(api)
  const answer = await initiate(api, tenant, { ...ends(), ...rehearsal, initiatedBy: 'admin@matih.ai' })
  const execution = ok(answer, 201)
  expect(answer.headers.get('location')).toBe(`/api/v1/registry/upgrades/${execution.id}`)
  expect(execution).toMatchObject({
    ...ends(),
    tenantId: tenant,
    status: 'PENDING',
    strategy: 'ROLLING',
    canaryPercentage: 10,
    batchSize: 5,
    batchDelaySeconds: 60,
    healthCheckIntervalSeconds: 30,
    healthCheckTimeoutSeconds: 300,
    maxUnavailablePercentage: 25,
    totalInstances: 10,
    currentInstances: 10,
    autoRollbackEnabled: false,
    failureThreshold: 3,
    initiatedByLabel: 'admin@matih.ai',
    installedComponents: null,
    progress: { total: 10, pending: 10, inFlight: 0, completed: 0, failed: 0, rolledBack: 0 },
    rollbackInfo: {
      autoRollbackEnabled: false,
      failureThreshold: 3,
      currentFailures: 0,
      rollbackReason: null,
      rollbackInitiatedAt: null,
      rollbackInitiatedBy: null,
      rolledBackInstances: [],
    },
    checks: [],
    transitions: [],
    approvals: [],
    rehearsal: true,
    startedAt: null,
    endedAt: null,
  })
  expect(execution.initiatedBy).not.toBe('admin@matih.ai')
  expect(execution.instances.map(({ index, status }) => [index, status])).toEqual(
    Array.from({ length: 10 }, (_, index) => [index, 'PENDING']),
  )
  expect(await new UpgradeHandle(api, execution).read()).toEqual(execution)
  const active = `/registry/tenants/${tenant}/components/${component.id}/upgrades/active`
  problem(await api.get(active), 404, 'no_active_execution')
  expect(ok(await api.get(`${active}?rehearsal=true`))).toMatchObject({ id: execution.id })
  const { instances: _, ...listed } = execution
  expect(ok(await api.get(`/registry/tenants/${tenant}/upgrades`))).toEqual([listed])
  expect(ok(await api.get(`/registry/upgrades?tenantId=${tenant}&status=PENDING`))).toEqual([listed])
  expect(ok(await api.get(`/registry/upgrades?tenantId=${tenant}&status=FAILED`))).toEqual([])
})

test('what is asked for is kept', async () => {
  const asked = {
    strategy: 'CANARY',
    canaryPercentage: 100,
    batchSize: 1_000,
    batchDelaySeconds: 86_400,
    healthCheckIntervalSeconds: 3_600,
    healthCheckTimeoutSeconds: 7_200,
    maxUnavailablePercentage: 1,
    totalInstances: 20,
    autoRollbackEnabled: true,
    failureThreshold: 10_000,
    installedComponents: { kafka: '3.6.0', postgresql: '16.1' },
  }
  const execution = ok(await initiate(api, await registerTenant(api), { ...ends(), ...rehearsal, ...asked }), 201)
  expect(execution).toMatchObject(asked)
  expect(execution.canaryInstances).toBe(19)
})

describe('refused as malformed, naming the field', () => {
  const ranges: readonly (readonly [field: string, ...wrong: readonly unknown[]])[] = [
    ['canaryPercentage', 0, 101, 1.5, '10'],
    ['batchSize', 0, 1_001],
    ['batchDelaySeconds', -1, 86_401],
    ['healthCheckIntervalSeconds', 0, 3_601],
    ['healthCheckTimeoutSeconds', 0, 86_401, 59],
    ['maxUnavailablePercentage', 0, 101],
    ['totalInstances', 0, 10_001],
    ['failureThreshold', 0, 10_001],
    ['strategy', 'rolling', 'BIG_BANG'],
    ['autoRollbackEnabled', 'true', 1],
    ['componentId', 'aaa-111', null],
    ['fromVersionId', undefined],
    ['toVersionId', 7],
    ['autoRollback', true],
    ['reason', 'x'.repeat(501)],
  ]
  const cases = ranges.flatMap(([field, ...wrong]) => wrong.map((value) => [field, value] as const))

  test.each(cases)('%s: %j', async (field, value) => {
    const body = { ...ends(), ...rehearsal, [field]: value }
    const { errors } = problem(await initiate(api, tenantId, body), 400, 'malformed')
    expect(errors?.map(({ pointer }) => pointer)).toEqual([`/${field}`])
  })

  test.each([
    [{ installedComponents: { kafka: 'newest' } }, '/installedComponents/kafka'],
    [{ target: { kind: 'rehearsal', faults: { neverRedy: [1] } } }, '/target/faults/neverRedy'],
    [{ target: { kind: 'releases', releaseIds: [] } }, '/target/releaseIds'],
    [{ overrideChecks: [{ check: 'BACKUP' }] }, '/overrideChecks/0/reason'],
    [{ healthCheckIntervalSeconds: 200 }, '/healthCheckTimeoutSeconds'],
  ])('%j', async (wrong, pointer) => {
    const { errors } = problem(await initiate(api, tenantId, { ...ends(), ...rehearsal, ...wrong }), 400, 'malformed')
    expect(errors?.map((error) => error.pointer)).toContain(pointer)
  })
})

describe('refused for what is asked', () => {
  const refused = async (body: object, status: number, code: string) =>
    problem(await initiate(api, tenantId, { ...ends(), ...rehearsal, ...body }), status, code)

  test('what is not known is 404', async () => {
    await refused({ componentId: randomUUID() }, 404, 'not_found')
    await refused({ fromVersionId: randomUUID() }, 404, 'not_found')
    await refused({ toVersionId: randomUUID() }, 404, 'not_found')
    problem(await initiate(api, randomUUID(), { ...ends(), ...rehearsal }), 404, 'not_found')
    const target = { kind: 'workload', releaseId: randomUUID() }
    await refused({ target }, 404, 'not_found')
  })

  test('the version of another component is not one of this', async () => {
    const other = await registerComponent(api)
    await refused({ toVersionId: Object.values(other.versions)[1] }, 404, 'not_found')
  })

  test('a way back, a standstill and a missing step are blocked; several steps are listed', async () => {
    const [first, second, third] = Object.values(component.versions)
    const back = await refused({ fromVersionId: second, toVersionId: first }, 422, 'refused')
    expect(back.blockers).toMatchObject([{ code: 'DOWNGRADE' }])
    const still = await refused({ toVersionId: first }, 422, 'refused')
    expect(still.blockers).toMatchObject([{ code: 'NO_ROUTE' }])
    const far = await refused({ toVersionId: third }, 422, 'refused')
    expect(far.blockers).toMatchObject([{ code: 'SEVERAL_HOPS' }])
    expect(far.path).toMatchObject([
      { fromVersion: '1.0.0', toVersion: '1.1.0' },
      { fromVersion: '1.1.0', toVersion: '1.2.0' },
    ])
  })

  test('a tenant without a release of the chart has nothing to upgrade', async () => {
    const { errors } = problem(await initiate(api, tenantId, ends()), 422, 'refused')
    expect(errors).toMatchObject([{ pointer: '/target' }])
  })

  test('a dependency that is not met blocks, also in a rehearsal; a platform admin may override it', async () => {
    const needy = await registerComponent(api, {}, ['1.0.0'])
    const needs = { version: '2.0.0', dependencies: { kafka: '>=3.5' } }
    const versions = `/registry/components/${needy.id}/versions`
    const { id } = ok(await api.post<{ id: string }>(versions, needs), 201)
    ok(await api.post('/registry/upgrade-paths', { fromVersionId: needy.versions['1.0.0'], toVersionId: id }), 201)
    const body = { componentId: needy.id, fromVersionId: needy.versions['1.0.0'], toVersionId: id, ...rehearsal }
    const { blockers } = problem(await initiate(api, tenantId, body), 422, 'refused')
    expect(blockers).toMatchObject([{ code: 'DEPENDENCY_MISSING', component: 'kafka' }])
    const overrideChecks = [{ check: 'DEPENDENCIES', reason: 'we know better' }]
    const operator = await caller('tenant-operator', [tenantId])
    problem(await initiate(operator, tenantId, { ...body, overrideChecks }), 403, 'forbidden')
    const told = await initiated(api, tenantId, { ...body, installedComponents: { kafka: '3.6' } })
    await told.give('cancel')
    const execution = await initiated(api, tenantId, { ...body, overrideChecks })
    await execution.give('start')
    const { checks } = await execution.until('checked', (seen) => seen.checks.length >= 5)
    expect(checks.find(({ name }) => name === 'DEPENDENCIES')).toMatchObject({ status: 'OVERRIDDEN' })
    await execution.give('cancel')
  })
})

test('of 50 initiates at once one is taken; the others name it', async () => {
  const tenant = await registerTenant(api)
  const body = rehearsalRequest(component)
  const answers = await Promise.all(Array.from({ length: 50 }, () => initiate(api, tenant, body)))
  const taken = answers.filter(({ status }) => status === 201)
  expect(taken).toHaveLength(1)
  for (const answer of answers.filter((each) => each !== taken[0])) {
    expect(problem(answer, 409, 'execution_active').executionId).toBe(taken[0]?.body.id)
  }
  expect(ok(await api.get<unknown[]>(`/registry/tenants/${tenant}/upgrades`))).toHaveLength(1)
})

test('a repeated request with its Idempotency-Key answers the same execution; commands too', async () => {
  const tenant = await registerTenant(api)
  const key = { 'idempotency-key': randomUUID() }
  const [first, second] = [
    await initiate(api, tenant, rehearsalRequest(component), key),
    await initiate(api, tenant, rehearsalRequest(component), key),
  ]
  expect(ok(second, 201)).toEqual(ok(first, 201))
  expect(second.headers.get('idempotency-replayed')).toBe('true')
  expect(second.headers.get('location')).toBe(first.headers.get('location'))
  const cancel = () => api.post(`/registry/upgrades/${first.body.id}/cancel`, {}, { 'idempotency-key': 'once' })
  const cancelled = ok(await cancel(), 202)
  expect(ok(await cancel(), 202)).toEqual(cancelled)
})

test('operators command the executions of their tenants, viewers read them, and others know of none', async () => {
  const tenant = await registerTenant(api)
  const [operator, viewer, foreign] = await Promise.all([
    caller('tenant-operator', [tenant]),
    caller('viewer', [tenant]),
    caller('tenant-operator', [tenantId]),
  ])
  problem(await initiate(viewer, tenant, rehearsalRequest(component)), 403, 'forbidden')
  problem(await initiate(foreign, tenant, rehearsalRequest(component)), 404, 'not_found')
  const execution = await initiated(operator, tenant, rehearsalRequest(component))
  expect(ok(await viewer.get(execution.path))).toMatchObject({ status: 'PENDING' })
  problem(await viewer.post(`${execution.path}/cancel`, {}), 403, 'forbidden')
  for (const path of [execution.path, `${execution.path}/events`, `/registry/tenants/${tenant}/upgrades`])
    problem(await foreign.get(path), 404, 'not_found')
  problem(await foreign.get(`/registry/upgrades?tenantId=${tenant}`), 404, 'not_found')
  problem(await foreign.post(`${execution.path}/cancel`, {}), 404, 'not_found')
  expect(JSON.stringify(ok(await foreign.get('/registry/upgrades')))).not.toContain(tenant)
  expect(ok(await viewer.get('/registry/upgrades'))).toMatchObject([{ id: execution.id }])
  const cancelled = ok(await operator.post(`${execution.path}/cancel`, { reason: 'not today' }), 202)
  expect(cancelled).toMatchObject({ status: 'CANCELLED', transitions: [{ reason: 'not today' }] })
})

test('backups are recorded for namespaces of the tenant', async () => {
  const tenant = await registerTenant(api)
  const namespace = `t-${tenant.slice(0, 13)}`
  const path = `/tenants/${tenant}/backups`
  const backup = { namespace, takenAt: '2026-01-02T03:04:05+01:00', reference: 's3://backups/1' }
  const made = ok(await api.post(path, backup), 201)
  expect(made).toMatchObject({ ...backup, takenAt: '2026-01-02T02:04:05.000Z', tenantId: tenant })
  ok(await api.post(path, { ...backup, takenAt: '2026-01-03T00:00:00Z', reference: 's3://backups/2' }), 201)
  const list = await api.get<{ reference: string }[]>(path)
  expect(ok(list).map(({ reference }) => reference)).toEqual(['s3://backups/2', 's3://backups/1'])
  expect(list.headers.get('x-total-count')).toBe('2')
  problem(await api.post(path, { ...backup, namespace: 'default' }), 403, 'namespace_not_owned')
  problem(await api.post(path, { ...backup, takenAt: '2999-01-01T00:00:00Z' }), 400, 'malformed')
  problem(await api.post(path, { ...backup, takenAt: 'yesterday' }), 400, 'malformed')
  problem(await api.post(`/tenants/${randomUUID()}/backups`, backup), 404, 'not_found')
  problem(await (await caller('viewer', [tenant])).post(path, backup), 403, 'forbidden')
})

test('statistics of a component do not count rehearsals', async () => {
  const path = `/registry/components/${component.id}/upgrade-statistics`
  expect(ok(await api.get(path))).toEqual({
    componentId: component.id,
    totalExecutions: 0,
    successfulExecutions: 0,
    failedExecutions: 0,
    successRate: 0,
    averageDurationSeconds: 0,
  })
  problem(await api.get(`/registry/components/${randomUUID()}/upgrade-statistics`), 404, 'not_found')
})
