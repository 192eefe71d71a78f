import { sql } from 'kysely'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { CommitUnknown, fromInstant, openDatabase, toInstant, transaction } from '../../../src/infra/database/pool.ts'
import type { Db } from '../../../src/infra/database/types.ts'
import { isDatabaseAway } from '../../../src/infra/http/problem-json.ts'
import { silentLog } from '../../../src/infra/log.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'

describe('openDatabase', () => {
  let database: FreshDatabase
  beforeEach(async () => {
    database = await freshDatabase()
  })
  afterEach(() => database.close())

  it('reads bigint as a number, and refuses one that a number cannot hold', async () => {
    expect(await read(database.db, '9007199254740991::int8')).toBe(9007199254740991)
    await expect(read(database.db, '9007199254740993::int8')).rejects.toThrow(RangeError)
  })

  it('gives a moment back to the millisecond', async () => {
    const moment = Date.UTC(2024, 1, 29, 23, 59, 59, 999)
    const { rows } = await sql<{ at: Date }>`select ${fromInstant(moment)}::timestamptz as at`.execute(database.db)
    expect(rows.map((row) => toInstant(row.at))).toEqual([moment])
  })

  it('leaves a day as it is written, in whatever time zone it runs', async () => {
    expect(await read(database.db, "'2024-02-29'::date")).toBe('2024-02-29')
  })

  it('gets over a migration that changes what a statement answers', async () => {
    const { db } = database
    await sql`create table growing (id int)`.execute(db)
    const columns = async () => (await sql`select * from growing where id > ${0}`.execute(db)).rows
    await sql`insert into growing values (1)`.execute(db)
    expect(await columns()).toEqual([{ id: 1 }])
    await sql`alter table growing add more int`.execute(db)
    await columns().catch(() => undefined)
    expect(await columns()).toEqual([{ id: 1, more: null }])
  })

  it('is not ready where the server takes no writes', async () => {
    const { db, url, name } = database
    await database.ping()
    await sql`alter database ${sql.id(name)} set default_transaction_read_only = on`.execute(db)
    const standby = openDatabase(url, { max: 1, log: silentLog })
    await expect(standby.ping()).rejects.toThrow('takes no writes')
    await standby.close()
  })

  it('writes nothing when the body throws, and throws what it threw', async () => {
    const failing = transaction(database.db, async (tx) => {
      await sql`create table half (id int)`.execute(tx)
      throw new RangeError('enough')
    })
    await expect(failing).rejects.toThrow(new RangeError('enough'))
    expect(await read(database.db, `to_regclass('half')`)).toBeNull()
  })

  it('throws the error of the query when its connection is ended, and goes on with another one', async () => {
    const ended = transaction(database.db, async (tx) => {
      await endConnection(await pidOf(tx))
      await sql`select 1`.execute(tx)
    })
    await expect(ended).rejects.not.toBeInstanceOf(CommitUnknown)
    expect(await read(database.db, '1')).toBe(1)
  })

  it('throws CommitUnknown when the connection ends before COMMIT is answered', async () => {
    const ended = transaction(database.db, async (tx) => endConnection(await pidOf(tx)))
    await expect(ended).rejects.toBeInstanceOf(CommitUnknown)
  })

  it('knows a statement on a connection that broke before for what it is', async () => {
    const late = transaction(database.db, async (tx) => {
      await endConnection(await pidOf(tx))
      await expect(pidOf(tx)).rejects.toSatisfy(isDatabaseAway)
      await pidOf(tx)
    })
    await expect(late).rejects.toThrow('not queryable')
    await expect(late).rejects.toSatisfy(isDatabaseAway)
  })

  it('throws the error of a COMMIT that the server refused', async () => {
    await sql`create table one (id int primary key deferrable initially deferred)`.execute(database.db)
    const refused = transaction(database.db, (tx) => sql`insert into one values (1), (1)`.execute(tx))
    await expect(refused).rejects.toMatchObject({ code: '23505' })
  })
})

async function read(db: Db, expression: string): Promise<unknown> {
  const { rows } = await sql<{ value: unknown }>`select ${sql.raw(expression)} as value`.execute(db)
  return rows[0]?.value
}

async function pidOf(db: Db): Promise<number> {
  return Number(await read(db, 'pg_backend_pid()'))
}

async function endConnection(pid: number): Promise<void> {
  const client = new Client({ connectionString: inject('databaseServer').url })
  await client.connect()
  await client.query('select pg_terminate_backend($1, 5000)', [pid]).finally(() => client.end())
}
