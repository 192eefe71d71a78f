import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openKeys, settleOn } from '../../../src/composition/secret-key.ts'
import { ConfigError, readConfig } from '../../../src/config.ts'
import { systemClock } from '../../../src/infra/clock.ts'
import { createVault } from '../../../src/infra/secrets/vault.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'

let database: FreshDatabase
let home: string

beforeEach(async () => {
  database = await freshDatabase()
  home = await mkdtemp(join(tmpdir(), 'flotilla-home-'))
})
afterEach(async () => {
  await database.close()
  await rm(home, { recursive: true })
})

const one = 'the first secret key, which is long enough'.replaceAll(' ', '-')
const other = 'another secret key, which is long enough'.replaceAll(' ', '-')

const openBoth = async (secretKey?: string, otherKey = '') =>
  openKeys(
    readConfig({ FLOTILLA_HOME: home, FLOTILLA_SECRET_KEY: secretKey, FLOTILLA_OTHER_SECRET_KEY: otherKey }, home),
    database.db,
    systemClock,
  )
const open = async (secretKey?: string) => (await openBoth(secretKey))[0]

async function refusal(secretKey?: string): Promise<string> {
  const error: unknown = await open(secretKey).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(ConfigError)
  const { message } = error as Error
  expect(message).not.toMatch(/\n/)
  return message
}

/** A stored value of an installation that keeps no check value. */
async function storeSealed(secretKey: string): Promise<void> {
  const sealed = createVault([await open(secretKey)]).seal('s3cret', 'chart-source-credentials')
  await sql`insert into chart_sources (id, name, type, url, priority, credentials_enc, created_at)
    values (gen_random_uuid(), 'private', 'http', 'https://charts.example', 1, ${sealed}, now())`.execute(database.db)
  await sql`delete from installation`.execute(database.db)
}

test('a first start makes a key, later starts find it', async () => {
  const key = await open()
  expect(await open()).toEqual(key)
  expect(await readdir(home)).toEqual(['secret-key'])
})

test('another key than the one of the first start is refused by its name, and changes nothing', async () => {
  const key = await open(one)
  expect(await refusal(other)).toMatch(/^FLOTILLA_SECRET_KEY is not the key/)
  expect(await open(one)).toEqual(key)
})

test('a file with another key is refused by its name', async () => {
  await open()
  await writeFile(join(home, 'secret-key'), other)
  expect(await refusal()).toContain(`${join(home, 'secret-key')} is not the key`)
})

test('a file that is missing is an error, never a new key', async () => {
  await open()
  await rm(join(home, 'secret-key'))
  expect(await refusal()).toMatch(/^FLOTILLA_SECRET_KEY is not set and .*secret-key is missing/)
  expect(await readdir(home)).toEqual([])
})

test('a file that is too short is one line', async () => {
  await writeFile(join(home, 'secret-key'), 'short')
  expect(await refusal()).toContain(`${join(home, 'secret-key')} must have at least 32 characters`)
})

test('what was stored before there was a check value tells the key, and the check is made then', async () => {
  await storeSealed(one)
  expect(await refusal()).toMatch(/is missing/)
  expect(await refusal(other)).toMatch(/^FLOTILLA_SECRET_KEY is not the key/)
  await open(one)
  await sql`delete from chart_sources`.execute(database.db)
  expect(await refusal(other)).toMatch(/^FLOTILLA_SECRET_KEY is not the key/)
})

test('of first starts at once with two keys, one key wins and the other is refused', async () => {
  const starts = await Promise.allSettled([open(one), open(other), open(one), open(other)])
  const won = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value.id.toString('hex')] : []))
  expect(new Set(won).size).toBe(1)
  expect(won).toHaveLength(2)
})

test('keys are changed by giving both: each start knows what is sealed, and the old one is needed until all is sealed anew', async () => {
  await storeSealed(one)
  const keys = await openBoth(other, one)
  expect(keys).toHaveLength(2)
  expect(await refusal(other)).toMatch(/^FLOTILLA_SECRET_KEY is not the key/)
  expect((await openBoth(one, other)).map(({ id }) => id)).toEqual(keys.toReversed().map(({ id }) => id))
  await settleOn(database.db, keys, systemClock)
  expect((await open(other)).id).toEqual(keys[0].id)
  expect(await refusal(one)).toMatch(/^FLOTILLA_SECRET_KEY is not the key/)
  expect(await openBoth(other, other)).toHaveLength(1)
})

test('another key that is none is named, and so are two of which neither fits', async () => {
  await open(one)
  await expect(openBoth(one, 'short')).rejects.toThrow(/^FLOTILLA_OTHER_SECRET_KEY /)
  const third = 'a third secret key, which is long enough'.replaceAll(' ', '-')
  await expect(openBoth(other, third)).rejects.toThrow(/^FLOTILLA_SECRET_KEY is not the key/)
})
