import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { transaction } from '../../../src/infra/database/pool.ts'
import { wake } from '../../../src/infra/engine/index.ts'
import { type CuttingProxy, cuttingProxy, type Lost } from '../../support/cutting-proxy.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'
import { Api, ok, problem } from '../support/api.ts'
import { eventually } from '../support/eventually.ts'
import { type Flotilla, removeFlotilla, startFlotilla } from '../support/flotilla.ts'
import {
  type Execution,
  initiate,
  initiated,
  type RegisteredComponent,
  registerComponent,
  registerTenant,
  rehearsalRequest,
  UpgradeHandle,
} from '../support/upgrades.ts'

// A server whose database is one of the test's: by a way that can be cut, and with a clock that can be put forward.

let database: FreshDatabase
let proxy: CuttingProxy
let flotilla: Flotilla
let api: Api
let component: RegisteredComponent
beforeAll(async () => {
  database = await freshDatabase()
  proxy = await cuttingProxy(database.url)
  flotilla = await startFlotilla({ env: { DATABASE_URL: proxy.url } })
  api = new Api(flotilla.url, flotilla.adminKey)
  component = await registerComponent(api)
})
afterAll(async () => {
  await removeFlotilla(flotilla)
  await proxy.close()
  await database.close()
})

const keyed = () => ({ 'idempotency-key': randomUUID() })
const executionsOf = async (tenantId: string) =>
  ok(await api.get<readonly Execution[]>(`/registry/tenants/${tenantId}/upgrades`))

/** A request that cannot be taken for another, and what was answered when its transaction was cut at the COMMIT. */
async function cutInitiate(tenantId: string, lost: Lost) {
  const initiatedBy = `label-${randomUUID()}`
  const [body, headers] = [rehearsalRequest(component, { initiatedBy }), keyed()]
  const before = proxy.cuts
  proxy.cutAt(initiatedBy, lost)
  const answer = await initiate(api, tenantId, body, headers)
  expect(proxy.cuts).toBe(before + 1)
  const retry = () => initiate(api, tenantId, body, headers)
  return { answer, body, retry }
}

test('an initiate whose COMMIT was answered to nobody: the same key finds the execution, and there is just one', async () => {
  const tenantId = await registerTenant(api)
  const { answer, body, retry } = await cutInitiate(tenantId, 'answer')
  problem(answer, 503, 'unavailable')
  expect(answer.headers.get('retry-after')).not.toBeNull()
  const [made] = await executionsOf(tenantId)
  const found = await retry()
  expect(ok(found, 201)).toMatchObject({ id: made?.id, status: 'PENDING' })
  expect(found.headers.get('idempotency-replayed')).toBe('true')
  expect(found.headers.get('location')).toBe(`/api/v1/registry/upgrades/${made?.id}`)
  expect(ok(await retry(), 201)).toEqual(found.body)
  expect(problem(await initiate(api, tenantId, body), 409, 'execution_active').executionId).toBe(made?.id)
  expect(await executionsOf(tenantId)).toHaveLength(1)
  expect(await new UpgradeHandle(api, found.body).events()).toMatchObject([{ type: 'execution.created', seq: 1 }])
})

test('an initiate whose COMMIT never arrived has made nothing: the same key makes it', async () => {
  const tenantId = await registerTenant(api)
  const { answer, retry } = await cutInitiate(tenantId, 'commit')
  problem(answer, 503, 'unavailable')
  expect(await executionsOf(tenantId)).toEqual([])
  const made = await retry()
  expect(ok(made, 201).status).toBe('PENDING')
  expect(made.headers.get('idempotency-replayed')).toBeNull()
  expect(ok(await retry(), 201)).toEqual(made.body)
  expect(await executionsOf(tenantId)).toHaveLength(1)
})

test('a command whose COMMIT was answered to nobody is given once', async () => {
  const execution = await initiated(api, await registerTenant(api), rehearsalRequest(component))
  const [reason, headers] = [`reason-${randomUUID()}`, keyed()]
  const cancel = () => api.post<Execution>(`${execution.path}/cancel`, { reason }, headers)
  proxy.cutAt(reason, 'answer')
  problem(await cancel(), 503, 'unavailable')
  expect(ok(await cancel(), 202)).toMatchObject({ status: 'CANCELLED', transitions: [{ to: 'CANCELLED', reason }] })
  expect((await execution.read()).transitions).toHaveLength(1)
  problem(await execution.send('cancel'), 409, 'wrong_status')
})

/** As if so much time had passed since it was made. */
async function putBack({ id }: UpgradeHandle, interval: string): Promise<void> {
  await transaction(database.db, async (tx) => {
    await sql`update executions set created_at = created_at - ${interval}::interval where id = ${id}`.execute(tx)
    await wake(tx, { kind: 'execution', id })
  })
}

/** In how many seconds it is looked at again. */
async function restsFor({ id }: UpgradeHandle): Promise<number> {
  const { rows } = await sql<{ seconds: number }>`select extract(epoch from due_at - now())::float8 as seconds
    from work where subject_id = ${id} and lease_until is null and due_at < now() + interval '61 seconds'`.execute(
    database.db,
  )
  return rows[0]?.seconds ?? 0
}

test('what is not started within 24 hours is CANCELLED, and its place is free', async () => {
  const tenantId = await registerTenant(api)
  const execution = await initiated(api, tenantId, rehearsalRequest(component))
  const { waitingFor, createdAt } = await execution.read()
  expect(waitingFor).toMatchObject({ reason: 'NOT_STARTED' })
  expect(Date.parse(waitingFor?.until ?? '')).toBe(Date.parse(`${createdAt}`) + 24 * 3_600_000)
  await putBack(execution, '23 hours 59 minutes')
  await eventually('it was looked at, and rests for a minute', async () => (await restsFor(execution)) > 30)
  expect(await execution.read()).toMatchObject({ status: 'PENDING', transitions: [] })
  await putBack(execution, '1 minute')
  const ended = await execution.untilStatus('CANCELLED')
  expect(ended).toMatchObject({
    statusReason: 'NOT_STARTED_IN_TIME',
    waitingFor: null,
    startedAt: null,
    transitions: [{ from: 'PENDING', to: 'CANCELLED', by: 'flotilla', reason: 'NOT_STARTED_IN_TIME' }],
  })
  expect(ended.endedAt).not.toBeNull()
  problem(await execution.send('start'), 409, 'wrong_status')
  expect((await initiate(api, tenantId, rehearsalRequest(component))).status).toBe(201)
})
