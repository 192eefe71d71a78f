import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { packedFixture } from '../../../src/charts/archive/testing.ts'
import { chartRoutes, openSources, type Sealer, sourceStore, systemResolve } from '../../../src/charts/index.ts'
import { chartStore } from '../../../src/charts/store.ts'
import { systemClock } from '../../../src/infra/clock.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'
import { appOf, as } from '../../support/http-app.ts'

/** Turns the bytes around: enough to see that nothing is kept in the clear. */
const sealer: Sealer = {
  seal: (value) => Buffer.from(JSON.stringify(value)).reverse(),
  open: (sealed) => JSON.parse(Buffer.from(sealed).reverse().toString('utf8')),
}

let folder: string
let database: FreshDatabase
let app: FastifyInstance
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-routes-'))
  await mkdir(join(folder, 'charts'))
  for (const version of ['1.0.0', '1.10.0', '1.9.0']) {
    await writeFile(join(folder, 'charts', `demo-${version}.tgz`), packedFixture('demo', version))
  }
  await writeFile(join(folder, 'charts', 'other-1.0.0.tgz'), packedFixture('other', '1.0.0'))
  database = await freshDatabase()
  const sources = sourceStore(database.db, sealer)
  const folders = [folder]
  const open = openSources(() => sources.list(), {
    clock: systemClock,
    resolve: systemResolve,
    timeoutMs: 2_000,
    folders,
    helm: { verify: () => Promise.reject(new Error('nothing is signed here')) },
  })
  const parts = {
    db: database.db,
    sources,
    clock: systemClock,
    newId: () => crypto.randomUUID(),
    folders,
    open,
    kept: chartStore(database.db).keptFrom,
  }
  const adminOnly = (role: string, action: string) => role === 'platform-admin' || action === 'chart.read'
  app = appOf({ routes: [chartRoutes(parts)], authorize: ({ role }, action) => adminOnly(role, action) })
})
afterEach(async () => {
  await app.close()
  await database.close()
  await rm(folder, { recursive: true })
})

const url = '/api/v1/chart-sources'
const add = (payload: object, token = 'admin') => app.inject({ method: 'POST', url, headers: as(token), payload })
const list = async (path = url) => (await app.inject({ url: path, headers: as('admin') })).json()
const local = (more: object = {}) => ({ name: 'local', type: 'folder', url: join(folder, 'charts'), ...more })

describe('chart sources', () => {
  test('say whose signature they ask for, and take no key that is none', async () => {
    const keys = String(await readFile(new URL('signed/trusted.asc', import.meta.url)))
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const pem = String(publicKey.export({ type: 'spki', format: 'pem' }))
    const secret = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
    const registry = { name: 'registry', type: 'oci', url: 'oci://registry.test/charts' }
    expect((await add(local({ verify: { provenanceKeys: keys } }))).json()).toMatchObject({
      verify: { provenanceKeys: keys },
    })
    expect((await add({ ...registry, verify: { cosignKey: pem } })).json()).toMatchObject({
      verify: { cosignKey: pem },
    })
    expect((await list()).map((each: { verify: unknown }) => each.verify)).toContainEqual({ cosignKey: pem })
    const refusals: readonly (readonly [object, string])[] = [
      [local({ name: 'a', verify: { cosignKey: pem } }), '/verify/cosignKey'],
      [{ ...registry, name: 'a', verify: { cosignKey: secret } }, '/verify/cosignKey'],
      [{ ...registry, name: 'a', verify: { cosignKey: 'none' } }, '/verify/cosignKey'],
      [local({ name: 'a', verify: { provenanceKeys: 'none' } }), '/verify/provenanceKeys'],
      [
        local({ name: 'a', verify: { provenanceKeys: keys.replaceAll('PUBLIC', 'PRIVATE') } }),
        '/verify/provenanceKeys',
      ],
      [local({ name: 'a', verify: { provenanceKeys: `${keys}and more` } }), '/verify/provenanceKeys'],
    ]
    for (const [body, pointer] of refusals) {
      const answer = await add(body)
      expect(answer.statusCode).toBe(400)
      expect(answer.json().errors).toMatchObject([{ pointer }])
    }
  })

  test('are added, shown in the order in which they are asked, and removed', async () => {
    const added = await add(local())
    expect(added.statusCode).toBe(201)
    expect(added.json()).toMatchObject({ name: 'local', type: 'folder', priority: 100, hasCredentials: false })
    expect(await list(String(added.headers.location))).toEqual(added.json())
    await add({ name: 'first', type: 'http', url: 'https://charts.test/', priority: 7 })
    expect((await list()).map(({ name }: { name: string }) => name)).toEqual(['first', 'local'])
    const path = String(added.headers.location)
    expect((await app.inject({ method: 'DELETE', url: path, headers: as('admin') })).statusCode).toBe(204)
    expect((await app.inject({ method: 'DELETE', url: path, headers: as('admin') })).statusCode).toBe(404)
    expect((await app.inject({ url: path, headers: as('admin') })).statusCode).toBe(404)
  })

  test('stand in the audit log with who, why and what, once for each change', async () => {
    const added = await add(local({ reason: 'new team' }))
    expect([added.statusCode, added.json()]).toEqual([201, expect.not.objectContaining({ reason: 'new team' })])
    expect((await add(local({ reason: 'again' }))).statusCode).toBe(409)
    const path = String(added.headers.location)
    const remove = () => app.inject({ method: 'DELETE', url: `${path}?reason=moved`, headers: as('admin') })
    expect([(await remove()).statusCode, (await remove()).statusCode]).toEqual([204, 404])
    const audit = await database.pool.query('select action, subject, reason, performed_by from audit order by at')
    const subject = `chart-source/local at ${join(folder, 'charts')}`
    expect(audit.rows).toEqual([
      { action: 'chart-source.created', subject, reason: 'new team', performed_by: 'platform-admin' },
      { action: 'chart-source.deleted', subject, reason: 'moved', performed_by: 'platform-admin' },
    ])
  })

  test('are paged', async () => {
    for (const name of ['c', 'a', 'b']) await add(local({ name, priority: 5 }))
    const page = await app.inject({ url: `${url}?limit=2`, headers: as('admin') })
    const next = /<([^>]+)>/.exec(String(page.headers.link))?.[1] ?? ''
    expect(page.headers['x-total-count']).toBe('3')
    expect([...page.json(), ...(await list(next))].map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  })

  test('never show their credentials, in the database neither', async () => {
    for (const credentials of [{ username: 'me', password: 'canary' }, { token: 'canary' }]) {
      const name = `repo-${Object.keys(credentials).length}`
      const added = await add({ name, type: 'http', url: 'https://charts.test', credentials })
      expect(added.json()).toMatchObject({ hasCredentials: true })
      expect(added.body).not.toContain('canary')
    }
    expect(JSON.stringify(await list())).not.toContain('canary')
    const rows = await database.pool.query('select credentials_enc::text from chart_sources')
    expect(JSON.stringify(rows.rows)).not.toContain(Buffer.from('canary').toString('hex'))
    expect(await sourceStore(database.db, sealer).list()).toMatchObject([
      { credentials: { kind: 'bearer', token: 'canary' } },
      { credentials: { kind: 'basic', username: 'me', password: 'canary' } },
    ])
  })

  const refused: readonly (readonly [string, () => object, number, string])[] = [
    ['an unknown field', () => local({ prio: 1 }), 400, 'prio'],
    ['no name', () => local({ name: undefined }), 400, '/name'],
    ['a name that is no label', () => local({ name: 'A b' }), 400, '/name'],
    ['an unknown type', () => local({ type: 'git' }), 400, '/type'],
    ['a priority out of range', () => local({ priority: -1 }), 400, '/priority'],
    ['an address of another scheme', () => ({ name: 'x', type: 'http', url: 'file:///etc' }), 400, '/url'],
    ['an address with credentials', () => ({ name: 'x', type: 'http', url: 'https://a:canary@b.test' }), 400, '/url'],
    ['an address with a query', () => ({ name: 'x', type: 'http', url: 'https://b.test/?token=canary' }), 400, '/url'],
    [
      'credentials with two forms',
      () => ({ name: 'x', type: 'http', url: 'https://b.test', credentials: { token: 'a', password: 'canary' } }),
      400,
      '/credentials',
    ],
    ['credentials for a folder', () => local({ credentials: { token: 'canary' } }), 400, '/credentials'],
    ['a relative folder', () => local({ url: 'charts' }), 400, '/url'],
    ['a folder outside of CHART_FOLDERS', () => local({ url: '/etc' }), 422, 'refused'],
    ['a folder that is not there', () => local({ url: join(folder, 'gone') }), 422, 'refused'],
    ['a registry with a tag', () => ({ name: 'x', type: 'oci', url: 'oci://b.test/charts:1' }), 400, '/url'],
    ['a registry with credentials', () => ({ name: 'x', type: 'oci', url: 'oci://a:canary@b.test' }), 400, '/url'],
    ['a registry as a folder', () => ({ name: 'x', type: 'oci', url: 'file:///etc' }), 400, '/url'],
    [
      'an address as a host of tokens',
      () => ({ name: 'x', type: 'oci', url: 'oci://b.test', authHosts: ['a.test', 'https://a.test'] }),
      400,
      '/authHosts/1',
    ],
    [
      'a host of tokens for a repository',
      () => ({ name: 'x', type: 'http', url: 'https://b.test', authHosts: ['a.test'] }),
      400,
      '/authHosts',
    ],
  ]
  test.each(refused)('%s is refused, and nothing is added', async (_, body, status, words) => {
    const answer = await add(body())
    expect([answer.statusCode, answer.body]).toEqual([status, expect.stringContaining(words)])
    expect(answer.body).not.toContain('canary')
    expect(await list()).toEqual([])
  })

  test('a name is taken once', async () => {
    await add(local())
    expect((await add(local())).json()).toMatchObject({ status: 409, code: 'conflict' })
  })

  test('are for platform admins only', async () => {
    const id = '00000000-0000-4000-8000-000000000001'
    for (const token of ['operator', 'viewer']) {
      expect((await add(local(), token)).statusCode).toBe(403)
      for (const [method, path] of [
        ['GET', url],
        ['GET', `${url}/${id}`],
        ['DELETE', `${url}/${id}`],
      ] as const) {
        expect((await app.inject({ method, url: path, headers: as(token) })).statusCode).toBe(403)
      }
    }
  })
})

describe('charts', () => {
  test('are listed with their versions and sources, for everybody', async () => {
    await add(local())
    await add(local({ name: 'twin', priority: 1 }))
    const answer = await app.inject({ url: '/api/v1/charts', headers: as('viewer') })
    expect(answer.json()).toEqual([
      { name: 'demo', versions: ['1.10.0', '1.9.0', '1.0.0'], sources: ['twin', 'local'] },
      { name: 'other', versions: ['1.0.0'], sources: ['twin', 'local'] },
    ])
    expect(await list('/api/v1/charts?name=other')).toHaveLength(1)
  })

  test('of a source that is down are left out, and it is named', async () => {
    await add({ name: 'gone', type: 'http', url: 'http://127.0.0.1:9/', priority: 1 })
    await add({ name: 'gone-too', type: 'oci', url: 'oci://127.0.0.1:9/charts', priority: 2 })
    const ask = () => app.inject({ url: '/api/v1/charts', headers: as('viewer') })
    expect((await ask()).json()).toMatchObject({
      status: 503,
      code: 'unavailable',
      source: 'gone',
      detail: 'the chart source gone cannot be used: it refuses connections (ECONNREFUSED)',
    })
    await add(local())
    const answer = await ask()
    expect([answer.statusCode, answer.headers['x-unavailable-sources']]).toEqual([200, 'gone, gone-too'])
    expect(answer.json().map(({ name }: { name: string }) => name)).toEqual(['demo', 'other'])
  })

  test('of sources that all answer come without such a header', async () => {
    await add(local())
    const answer = await app.inject({ url: '/api/v1/charts', headers: as('viewer') })
    expect(answer.headers['x-unavailable-sources']).toBeUndefined()
  })
})

test('a registry is added with the hosts of its tokens', async () => {
  const registry = { name: 'team', type: 'oci', url: 'oci://registry.test/charts', authHosts: ['auth.test:8443'] }
  const credentials = { username: 'me', password: 'canary' }
  const added = await add({ ...registry, credentials })
  expect(added.json()).toMatchObject({ ...registry, hasCredentials: true })
  expect(added.body).not.toContain('canary')
  expect(await sourceStore(database.db, sealer).list()).toMatchObject([registry])
})
