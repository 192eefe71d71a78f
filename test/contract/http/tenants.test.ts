import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Clock } from '../../../src/core/instant.ts'
import type { Principal } from '../../../src/core/subject.ts'
import { systemClock } from '../../../src/infra/clock.ts'
import { silentLog } from '../../../src/infra/log.ts'
import type { TenantDeps } from '../../../src/tenants/index.ts'
import {
  ensureAdminKey,
  keyAuthenticator,
  mayDo,
  recordAudit,
  registerClusters,
  routesOfTenants,
  tenantPort,
} from '../../../src/tenants/index.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'
import { appOf, as, testVault } from '../../support/http-app.ts'
import { walkOpenApi } from '../../support/openapi-walk.ts'

const adminKey = 'preset-admin-key-of-more-than-32-characters'
let database: FreshDatabase
let app: FastifyInstance
let deps: TenantDeps
let now: number
/** How operations ended, as the features that have some would say. */
const outcomes = async () => new Map([[endedOperation, 'failed']])
const endedOperation = randomUUID()

beforeEach(async () => {
  database = await freshDatabase()
  now = Date.parse('2026-01-01T00:00:00Z')
  const clock: Clock = { now: () => now++, sleep: systemClock.sleep }
  deps = {
    db: database.db,
    clock,
    newId: randomUUID,
    contexts: { current: 'practice', names: ['other', 'practice'] },
    ownNamespaces: ['flotilla'],
  }
  await registerClusters(deps)
  await ensureAdminKey(deps, { preset: adminKey, home: '/nowhere' })
  app = appOf({
    db: database.db,
    clock,
    routes: [routesOfTenants(deps, outcomes)],
    authenticate: keyAuthenticator({ ...deps, log: silentLog }),
    authorize: mayDo,
  })
})
afterEach(async () => {
  await app.close()
  await database.close()
})

type Send = { readonly key?: string; readonly idempotency?: string }
const post = (url: string, payload: object, { key = adminKey, idempotency }: Send = {}) =>
  app.inject({
    method: 'POST',
    url: `/api/v1${url}`,
    headers: as(key, idempotency ? { 'idempotency-key': idempotency } : {}),
    payload,
  })
const get = (url: string, key = adminKey) => app.inject({ url: `/api/v1${url}`, headers: as(key) })
const remove = (url: string, key = adminKey) => app.inject({ method: 'DELETE', url: `/api/v1${url}`, headers: as(key) })

const newTenant = async (name: string, namespaces: string[] = []) =>
  (await post('/tenants', { name, namespaces })).json() as { id: string; clusterId: string }
const newKey = async (role: string, tenants: string[] = [], more: object = {}) =>
  (await post('/api-keys', { name: role, role, tenants, ...more })).json() as { id: string; key: string }

test('a tenant is registered, read and listed', async () => {
  const made = await post('/tenants', { name: 'Acme', namespaces: ['acme-b', 'acme-a'], platformVersion: '1.2.3' })
  const tenant = made.json()
  expect(made.statusCode).toBe(201)
  expect(made.headers.location).toBe(`/api/v1/tenants/${tenant.id}`)
  expect(tenant).toMatchObject({ name: 'Acme', namespaces: ['acme-a', 'acme-b'], platformVersion: '1.2.3' })
  const second = await newTenant('Beta')
  expect((await get(`/tenants/${tenant.id}`)).json()).toEqual(tenant)
  expect((await get('/tenants')).json()).toEqual([second, tenant])
  expect((await get('/tenants?q=acm')).json()).toEqual([tenant])
  expect((await get('/tenants?q=%25')).json()).toEqual([])
  const clusters = (await get('/clusters')).json() as { id: string; name: string; current: boolean }[]
  expect(clusters.map(({ name, current }) => [name, current])).toEqual([
    ['other', false],
    ['practice', true],
  ])
  expect(clusters.find(({ id }) => id === tenant.clusterId)?.name).toBe('practice')
})

test.each<[string, object, number, string, string?]>([
  ['an unknown field', { name: 'a', nmespaces: [] }, 400, 'malformed', '/nmespaces'],
  ['no name', {}, 400, 'malformed', '/name'],
  ['a namespace that is no name', { name: 'a', namespaces: ['A b'] }, 400, 'malformed', '/namespaces/0'],
  ['an unknown cluster', { name: 'a', clusterId: randomUUID() }, 404, 'not_found'],
  ['a namespace of the cluster', { name: 'a', namespaces: ['kube-system'] }, 422, 'namespace_reserved'],
  ['a namespace of Flotilla', { name: 'a', namespaces: ['flotilla'] }, 422, 'namespace_reserved'],
  ["another tenant's namespace", { name: 'a', namespaces: ['free', 'taken'] }, 409, 'namespace_taken'],
])('registering with %s changes nothing', async (_, body, status, code, pointer) => {
  await newTenant('First', ['taken'])
  const answer = await post('/tenants', body)
  expect(answer.json()).toMatchObject({ status, code, ...(pointer ? { errors: [{ pointer }] } : {}) })
  expect((await get('/tenants')).json()).toHaveLength(1)
})

test('an id that is taken is a conflict', async () => {
  const { id } = await newTenant('First')
  expect((await post('/tenants', { id, name: 'Second' })).json()).toMatchObject({ status: 409, code: 'conflict' })
})

test('others than admins know of their own tenants only', async () => {
  const [mine, other] = [await newTenant('Mine'), await newTenant('Other')]
  const { key } = await newKey('tenant-operator', [mine.id])
  expect((await get('/tenants', key)).json()).toEqual([mine])
  expect((await get('/tenants', key)).headers['x-total-count']).toBe('1')
  expect((await get(`/tenants/${other.id}`, key)).json()).toMatchObject({ status: 404, code: 'not_found' })
  expect((await get(`/tenants/${randomUUID()}`, key)).statusCode).toBe(404)
  expect((await get('/clusters', key)).json()).toMatchObject([{ name: 'practice' }])
  expect((await get('/me', key)).json()).toMatchObject({
    role: 'tenant-operator',
    allTenants: false,
    tenants: [{ id: mine.id, name: 'Mine' }],
  })
  expect((await get('/me')).json()).toMatchObject({ role: 'platform-admin', allTenants: true, tenants: [] })
})

test('pages of tenants follow each other', async () => {
  for (const name of ['a', 'b', 'c']) await newTenant(name)
  const first = await get('/tenants?limit=2')
  const url = /<\/api\/v1([^>]+)>/.exec(String(first.headers.link))?.[1] ?? ''
  const second = await get(url)
  const names = [...first.json(), ...second.json()].map((tenant: { name: string }) => tenant.name)
  expect([names, second.headers.link]).toEqual([['c', 'b', 'a'], undefined])
  expect((await get('/tenants?limit=2&cursor=x')).json()).toMatchObject({ status: 400, code: 'invalid_cursor' })
})

test('a key works until it is revoked, and its secret is shown once', async () => {
  const tenant = await newTenant('Acme')
  const { id, key } = await newKey('viewer', [tenant.id])
  expect(key).toMatch(/^flo_[0-9a-f]{32}_[A-Za-z0-9_-]{43}$/)
  expect((await get('/me', key)).statusCode).toBe(200)
  const listed = await get('/api-keys')
  expect(listed.body).not.toContain(key)
  const row = listed.json().find((each: { id: string }) => each.id === id)
  expect(row).toMatchObject({ role: 'viewer', tenants: [tenant.id], createdBy: 'admin', revokedAt: null })
  await vi.waitFor(async () => {
    const now = (await get('/api-keys')).json().find((each: { id: string }) => each.id === id)
    expect(now.lastUsedAt).not.toBeNull()
  })
  expect((await remove(`/api-keys/${id}`)).statusCode).toBe(204)
  now += 1500
  expect((await get('/me', key)).statusCode).toBe(401)
  expect((await remove(`/api-keys/${id}`)).statusCode).toBe(204)
  expect((await remove(`/api-keys/${randomUUID()}`)).statusCode).toBe(404)
})

test('the secret of a key is not stored and not replayed', async () => {
  const body = { name: 'ops', role: 'platform-admin' }
  const [first, again] = await Promise.all([
    post('/api-keys', body, { idempotency: 'k' }),
    post('/api-keys', body, { idempotency: 'k' }),
  ])
  const keys = [first, again].map((answer) => answer.json())
  expect(keys[0].id).toBe(keys[1].id)
  expect(keys.filter(({ key }) => key !== null)).toHaveLength(1)
  const secret = keys.find(({ key }) => key !== null).key
  const { rows } = await sql<{ principal: string; path: string; sealed: string }>`
    select principal, path, response ->> 'answer' as sealed from idempotency`.execute(database.db)
  const [kept] = rows.map(({ principal, path, sealed }) =>
    JSON.stringify(testVault.open(Buffer.from(sealed, 'base64'), `idempotency:${principal} POST ${path} k`)),
  )
  expect(kept).toContain(keys[0].id)
  expect(kept).not.toContain(secret)
})

test('a key ends at its expiry, a wrong secret never works', async () => {
  const { key } = await newKey('platform-admin', [], { expiresAt: new Date(now + 60_000).toISOString() })
  expect((await get('/me', key)).statusCode).toBe(200)
  expect((await get('/me', `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`)).statusCode).toBe(401)
  now += 60_000
  expect((await get('/me', key)).statusCode).toBe(401)
})

test.each<[string, object, number, string]>([
  ['a role that is none', { name: 'a', role: 'root' }, 400, '/role'],
  ['tenants of an admin', { name: 'a', role: 'platform-admin', tenants: [randomUUID()] }, 400, '/tenants'],
  ['no tenants', { name: 'a', role: 'viewer' }, 400, '/tenants'],
  ['a past expiry', { name: 'a', role: 'platform-admin', expiresAt: '2020-01-01T00:00:00Z' }, 400, '/expiresAt'],
  ['an expiry that is no time', { name: 'a', role: 'platform-admin', expiresAt: 'soon' }, 400, '/expiresAt'],
  ['an unknown tenant', { name: 'a', role: 'viewer', tenants: [randomUUID()] }, 404, ''],
])('a key with %s is refused', async (_, body, status, pointer) => {
  const answer = await post('/api-keys', body)
  expect(answer.statusCode).toBe(status)
  if (pointer) expect(answer.json().errors).toMatchObject([{ pointer }])
  expect((await get('/api-keys')).json()).toHaveLength(1)
})

test('the last valid admin key stays', async () => {
  const [preset] = (await get('/api-keys')).json()
  expect((await remove(`/api-keys/${preset.id}`)).json()).toMatchObject({ status: 409, code: 'last_admin_key' })
  const { key } = await newKey('platform-admin')
  expect((await remove(`/api-keys/${preset.id}`, key)).statusCode).toBe(204)
  now += 1500
  expect((await get('/me')).statusCode).toBe(401)
  await ensureAdminKey(deps, { preset: adminKey, home: '/nowhere' })
  now += 1500
  expect((await get('/me')).statusCode).toBe(401)
  const rotated = `${adminKey}-rotated`
  await ensureAdminKey(deps, { preset: rotated, home: '/nowhere' })
  now += 1500
  expect((await get('/me', rotated)).statusCode).toBe(200)
})

test('the audit log tells who registered, made and revoked, with the reason', async () => {
  const tenant = await post('/tenants', { name: 'Acme', reason: 'onboarding' })
  const { id } = await newKey('viewer', [tenant.json().id])
  await remove(`/api-keys/${id}?reason=leaked`)
  const audit = (await get('/audit')).json() as { action: string; reason: string | null; performedBy: string }[]
  expect(audit.map(({ action, reason, performedBy }) => [action, reason, performedBy])).toEqual([
    ['api-key.revoked', 'leaked', 'admin'],
    ['api-key.created', null, 'admin'],
    ['tenant.registered', 'onboarding', 'admin'],
  ])
  expect((await get(`/audit?tenantId=${tenant.json().id}`)).json()).toHaveLength(1)
})

test('others than admins read the audit log of their own tenants', async () => {
  const [own, other] = [await post('/tenants', { name: 'Acme' }), await post('/tenants', { name: 'Other' })]
  const [ownId, otherId] = [own.json().id, other.json().id]
  const { key } = await newKey('viewer', [ownId])
  const audit = (await get('/audit', key)).json() as { action: string; tenantId: string | null }[]
  expect(audit.map(({ action, tenantId }) => [action, tenantId])).toEqual([['tenant.registered', ownId]])
  expect((await get('/audit', key)).headers['x-total-count']).toBe('1')
  expect((await get(`/audit?tenantId=${ownId}`, key)).json()).toHaveLength(1)
  expect((await get(`/audit?tenantId=${otherId}`, key)).statusCode).toBe(404)
  expect((await get('/audit')).json()).toHaveLength(3)
})

test('the outcome of what was only accepted is that of its operation, once that has ended', async () => {
  const principal: Principal = { id: 'a', name: 'ann', role: 'platform-admin', tenants: 'all' }
  const fact = { principal, action: 'release.upgrade', subject: 'release/1', outcome: 'accepted' }
  await deps.db.transaction().execute(async (tx) => {
    await recordAudit(tx, deps, { ...fact, operationId: endedOperation, reason: 'patch' })
    await recordAudit(tx, deps, { ...fact, operationId: randomUUID() })
    await recordAudit(tx, deps, { ...fact, action: 'operation.cancel', outcome: 'done' })
  })
  const told = (await get('/audit?performedBy=ann')).json() as Record<string, unknown>[]
  expect(told.map(({ action, outcome, reason }) => [action, outcome, reason])).toEqual([
    ['operation.cancel', 'done', null],
    ['release.upgrade', 'accepted', null],
    ['release.upgrade', 'failed', 'patch'],
  ])
  expect(told.map(({ operationId }) => operationId)).toContain(endedOperation)
})

const admin: Principal = { id: 'a', name: 'a', role: 'platform-admin', tenants: 'all' }
const place = (principal: Principal, tenantId: string, namespace: string) =>
  deps.db.transaction().execute((tx) => tenantPort(deps).placeInstall(tx, principal, tenantId, namespace))

test("an admin's install registers and claims once, also when several come at once", async () => {
  const id = randomUUID()
  const places = await Promise.all(Array.from({ length: 4 }, () => place(admin, id, 'acme')))
  expect(new Set(places.map((each) => JSON.stringify(each))).size).toBe(1)
  expect((await get(`/tenants/${id}`)).json()).toMatchObject({ id, namespaces: ['acme'] })
  expect((await get('/audit')).json()).toHaveLength(2)
})

test("an install that meets its tenant's registration goes to the cluster of that registration", async () => {
  const id = randomUUID()
  const [other] = (await get('/clusters')).json() as { id: string; name: string; current: boolean }[]
  expect(other).toMatchObject({ name: 'other', current: false })
  const waiting = async () => {
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(database.db)
    return rows[0]?.n
  }
  let placed: ReturnType<typeof place> | undefined
  await deps.db.transaction().execute(async (tx) => {
    await sql`insert into tenants values (${id}, 'acme', ${other?.id}, null, now())`.execute(tx)
    placed = place(admin, id, 'acme')
    await expect.poll(waiting, { timeout: 20_000 }).toBe(1)
  })
  expect(await placed).toMatchObject({ tenantId: id, clusterId: other?.id })
  const { rows } = await sql`select cluster_id from namespaces where name = 'acme'`.execute(database.db)
  expect(rows).toEqual([{ cluster_id: other?.id }])
})

test('of two tenants that want a namespace at once one gets it, and the other leaves nothing', async () => {
  const ids = [randomUUID(), randomUUID()]
  const results = await Promise.allSettled(ids.map((id) => place(admin, id, 'acme')))
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect((await get('/tenants')).json()).toHaveLength(1)
})

test('an operator installs into its own namespaces only', async () => {
  const [mine, other] = [await newTenant('Mine', ['mine']), await newTenant('Other', ['other'])]
  const operator: Principal = { id: 'o', name: 'o', role: 'tenant-operator', tenants: [mine.id] }
  expect(await place(operator, mine.id, 'mine')).toEqual({
    tenantId: mine.id,
    clusterId: mine.clusterId,
    namespace: 'mine',
  })
  for (const namespace of ['other', 'free', 'kube-system'])
    await expect(place(operator, mine.id, namespace)).rejects.toMatchObject({ code: 'namespace_not_owned' })
  await expect(place(operator, other.id, 'other')).rejects.toMatchObject({ code: 'not_found' })
})

test('every operation has a permission and denies whom it must', async () => {
  const [mine, other] = [await newTenant('Mine'), await newTenant('Other')]
  const viewer = await newKey('viewer', [mine.id])
  const foreign = await newKey('tenant-operator', [other.id])
  const before = (await get('/audit')).body
  const found = await walkOpenApi(app, {
    tenantId: mine.id,
    foreignKey: foreign.key,
    viewerKey: viewer.key,
    path: { id: mine.id, revokeApiKey: { id: viewer.id } },
    bodies: { registerTenant: { name: 'x' }, createApiKey: { name: 'x', role: 'viewer', tenants: [mine.id] } },
    public: ['getHealth', 'getReadiness', 'getOpenApi', 'getDocs'],
  })
  expect(found).toEqual([])
  expect((await get('/audit')).body).toBe(before)
})
