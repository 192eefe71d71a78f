import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { silentLog } from '../../../src/infra/log.ts'
import { createKey } from '../../../src/tenants/commands/create-key.ts'
import type { TenantDeps } from '../../../src/tenants/deps.ts'
import { ensureAdminKey, keyAuthenticator } from '../../../src/tenants/index.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'

let database: FreshDatabase
let home: string
let now: number

beforeEach(async () => {
  database = await freshDatabase()
  home = await mkdtemp(join(tmpdir(), 'flotilla-home-'))
  now = Date.parse('2026-01-01T00:00:00Z')
})
afterEach(async () => {
  await database.close()
  await rm(home, { recursive: true })
})

const deps = () => ({
  db: database.db,
  clock: { now: () => now, sleep: async () => undefined },
  log: silentLog,
})
const ensure = (preset: string | null = null) => ensureAdminKey(deps(), { preset, home: join(home, 'data') })
const inFile = async () => (await readFile(join(home, 'data/admin.key'), 'utf8')).trim()
const who = (key: string) => keyAuthenticator(deps())(key)

test('a first start makes a key that only its owner can read, later starts use it', async () => {
  expect(await ensure()).toEqual({ from: 'file', path: join(home, 'data/admin.key') })
  const key = await inFile()
  expect((await stat(join(home, 'data/admin.key'))).mode & 0o777).toBe(0o600)
  expect(await who(key)).toMatchObject({ role: 'platform-admin', tenants: 'all', name: 'admin' })
  await ensure()
  expect(await inFile()).toBe(key)
  expect(await readdir(join(home, 'data'))).toEqual(['admin.key'])
})

test('servers that start at once on one folder agree on the key', async () => {
  await Promise.all([ensure(), ensure(), ensure()])
  expect(await who(await inFile())).not.toBeNull()
  expect(await readdir(join(home, 'data'))).toEqual(['admin.key'])
})

test('a new database learns the key that is in the file', async () => {
  await ensure()
  const key = await inFile()
  await database.close()
  database = await freshDatabase()
  await ensure()
  expect(await who(key)).not.toBeNull()
})

test('a preset key needs no file, and another one replaces it', async () => {
  const [first, second] = [`${randomUUID()}-first`, `${randomUUID()}-second`]
  expect(await ensure(first)).toEqual({ from: 'environment' })
  expect(await who(first)).toMatchObject({ role: 'platform-admin' })
  await ensure(second)
  expect([await who(first), (await who(second))?.role]).toEqual([null, 'platform-admin'])
  expect(await readdir(home)).toEqual([])
})

test('what the database said of a key is believed for less than two seconds', async () => {
  await ensure()
  const key = await inFile()
  const authenticate = keyAuthenticator(deps())
  expect(await authenticate(key)).not.toBeNull()
  await database.db.deleteFrom('api_keys' as never).execute()
  expect(await authenticate(key)).not.toBeNull()
  now += 1999
  expect(await authenticate(key)).toBeNull()
})

test('many callers who come at once ask the database once, and the use of each key is noted', async () => {
  await ensure()
  const admin = await who(await inFile())
  if (admin === null) throw new Error('there is no admin')
  const wanted = { name: 'k', role: 'platform-admin', tenants: [], expiresAt: null } as const
  const make = () =>
    createKey(
      { ...deps(), newId: () => randomUUID() } as unknown as TenantDeps,
      { principal: admin },
      wanted,
      async () => {},
    )
  const keys = (await Promise.all(Array.from({ length: 20 }, make))).map(({ key }) => key)
  const authenticate = keyAuthenticator(deps())
  let asked = 0
  database.pool.on('acquire', () => asked++)
  const all = () => Promise.all(keys.flatMap((key) => Array.from({ length: 20 }, async () => authenticate(key))))
  expect((await all()).every((principal) => principal?.name === 'k')).toBe(true)
  expect(asked).toBeLessThanOrEqual(2)
  await vi.waitFor(async () => {
    const { rows } = await database.pool.query("select 1 from api_keys where name = 'k' and last_used_at is not null")
    expect(rows).toHaveLength(keys.length)
  })
  asked = 0
  now += 2_000
  expect((await all()).every((principal) => principal?.name === 'k')).toBe(true)
  expect(asked).toBe(1)
})

test('a use that cannot be noted fails no caller', async () => {
  await ensure()
  const key = await inFile()
  await database.pool.query(`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'the disk is full'; end $$;
    create trigger refuse before update on api_keys for each row execute function refuse()`)
  expect(await who(key)).toMatchObject({ role: 'platform-admin' })
})
