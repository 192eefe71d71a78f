import { sql } from 'kysely'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { CommitUnknown, type Database, openDatabase, transaction } from '../../../src/infra/database/pool.ts'
import type { Db } from '../../../src/infra/database/types.ts'
import { silentLog } from '../../../src/infra/log.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'
import { addressOf, throughPort } from '../../support/database-address.ts'
import { type SilentProxy, silentProxy } from '../../support/silent-proxy.ts'

let own: FreshDatabase
let proxy: SilentProxy
let database: Database
beforeEach(async () => {
  own = await freshDatabase()
  proxy = await silentProxy(addressOf(own.url))
  database = openDatabase(throughPort(own.url, proxy.port), { max: 2, log: silentLog, answerWithinMs: 2_000 })
  await sql`create table given (id int)`.execute(database.db)
})
afterEach(async () => {
  proxy.speak()
  await database.close()
  await proxy.close()
  await own.close()
})

const count = async (db: Db) => (await sql<{ n: number }>`select count(*) as n from given`.execute(db)).rows[0]?.n

it('gives a server up that takes connections and does not answer, and goes on with it when it does', async () => {
  await Promise.all([count(database.db), count(database.db)])
  proxy.silence()
  // More than there are connections: who waits for one is not served either.
  const asked = await Promise.allSettled([1, 2, 3, 4].map(() => count(database.db)))
  expect(asked.map(({ status }) => status)).toEqual(Array(4).fill('rejected'))
  for (const each of asked)
    expect(String((each as PromiseRejectedResult).reason)).toMatch(/Connection terminated|timeout/)
  proxy.speak()
  expect(await count(database.db)).toBe(0)
})

it('does not know what became of a COMMIT that is not answered', async () => {
  const unanswered = transaction(database.db, async (tx) => {
    await sql`insert into given values (1)`.execute(tx)
    proxy.silence()
  })
  await expect(unanswered).rejects.toBeInstanceOf(CommitUnknown)
})

it('writes nothing of a transaction that was given up before its COMMIT', async () => {
  const given = transaction(database.db, async (tx) => {
    await sql`insert into given values (1)`.execute(tx)
    proxy.silence()
    await sql`insert into given values (2)`.execute(tx)
  })
  await expect(given).rejects.toThrow('Connection terminated')
  proxy.speak()
  expect(await count(database.db)).toBe(0)
})

it('waits for a statement that takes its time where that is asked for', async () => {
  const patient = openDatabase(own.url, { max: 1, log: silentLog, answerWithinMs: null })
  await sql`select pg_sleep(0.5)`.execute(patient.db)
  await patient.close()
})
