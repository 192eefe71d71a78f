import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { Client, type PoolClient } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Tx } from '../../../src/infra/database/types.ts'
import { accepting } from '../../../src/releases/commands/accepting.ts'
import { eventually } from '../../support/cluster.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'

let database: FreshDatabase
let beside: Client
beforeEach(async () => {
  database = await freshDatabase({ max: 4 })
  beside = new Client({ connectionString: database.url })
  await beside.connect()
})
afterEach(async () => {
  await beside.end()
  await database.close()
})

const insert = (id: string) => (tx: Tx) =>
  sql`insert into operations (id, kind, request, state, status, performed_by, principal_id, seq, version, created_at)
    values (${id}, 'install', '{}', '{}', 'QUEUED', 'x', 'x', 0, 0, now())`
    .execute(tx)
    .then(() => undefined)

/** From now on every COMMIT of an operation waits, until the lock that is held here is given back. */
async function holdCommits(): Promise<() => Promise<unknown>> {
  await beside.query(`create function hold() returns trigger language plpgsql as
    $$ begin perform pg_advisory_xact_lock(1); return null; end $$`)
  await beside.query(`create constraint trigger held after insert on operations deferrable initially deferred
    for each row execute function hold()`)
  await beside.query('select pg_advisory_lock(1)')
  return () => beside.query('select pg_advisory_unlock(1)')
}

const stored = async () => (await beside.query<{ id: string }>('select id from operations')).rows.map(({ id }) => id)

const waiting = async () => {
  const { rows } = await beside.query(
    `select pid from pg_locks where locktype = 'advisory' and not granted
       and database = (select oid from pg_database where datname = current_database())`,
  )
  return rows.length
}

/** Cuts the connection of a transaction as a network does: the server goes on with what it was told. */
function cutter() {
  let stream: { destroy(): void } | undefined
  database.pool.on('acquire', (client: PoolClient) => {
    stream = (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream
  })
  return () => stream?.destroy()
}

test('an operation whose COMMIT is under way when the connection breaks is accepted', async () => {
  const release = await holdCommits()
  const cut = cutter()
  let asked = 0
  const sleep = async () => {
    if (++asked < 2) return
    await release()
    await eventually(stored, (ids) => ids.length === 1)
  }
  const id = randomUUID()
  const accepted = accepting({ db: database.db, clock: { now: Date.now, sleep } }, id, insert(id))
  accepted.catch(() => undefined)
  await eventually(waiting, (count) => count === 1)
  cut()
  await accepted
  expect(await stored()).toEqual([id])
  expect(asked).toBe(2)
})

test('one whose transaction was ended is not', async () => {
  const release = await holdCommits()
  const id = randomUUID()
  const accepted = accepting({ db: database.db, clock: { now: Date.now, sleep: async () => {} } }, id, insert(id))
  const refused = expect(accepted).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('nothing was accepted'),
  })
  await eventually(waiting, (count) => count === 1)
  await beside.query(`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and not granted
    and database = (select oid from pg_database where datname = current_database())`)
  await refused
  await release()
  expect(await stored()).toEqual([])
})
