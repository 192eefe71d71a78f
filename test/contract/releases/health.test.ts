import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/core/json.ts'
import { countReleases } from '../../../src/releases/store/lists.ts'
import { type HealthSighting, recordAbsent, recordHealth } from '../../../src/releases/store/sightings.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'

const clusterId = randomUUID()
const tenantId = randomUUID()
let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase()
  await database.pool.query("insert into clusters values ($1, 'c', 'c', now())", [clusterId])
  await database.pool.query("insert into tenants values ($1, 't', $2, null, now())", [tenantId, clusterId])
})
afterAll(() => database.close())

type Given = { readonly status?: string; readonly health?: JsonObject; readonly operationId?: string }

/** A release that the database alone knows; its name is its id. */
async function insert({ status = 'DEPLOYED', health, operationId }: Given = {}): Promise<string> {
  const id = randomUUID()
  await database.pool.query(
    `insert into releases (id, tenant_id, cluster_id, namespace, name, chart, chart_version, status, ever_deployed, revision,
       values_enc, leftovers, performed_by, seq, version, created_at, updated_at, health, current_operation_id)
     values ($1, $2, $3, 'n', $7, 'c', '1.0.0', $4, true, 1, '', '[]', 'x', 0, 0, now(), now(), $5, $6)`,
    [id, tenantId, clusterId, status, health ?? null, operationId ?? null, id],
  )
  return id
}

const minutesAgo = (minutes: number): number => Date.now() - minutes * 60_000
const seen = (release: string, ready: number, total: number, workloads: number): HealthSighting => ({
  namespace: 'n',
  release,
  health: { ready, total, workloads },
})
const record = (at: number, ...sightings: readonly HealthSighting[]) =>
  recordHealth(database.db, clusterId, sightings, at)
const absent = (at: number, ...there: readonly HealthSighting[]) =>
  recordAbsent(database.db, clusterId, () => there, { seenAt: at, now: at, atOnce: 2 })
const healthOf = async (id: string): Promise<JsonObject> =>
  (await database.pool.query('select health from releases where id = $1', [id])).rows[0]?.health

/** Nothing is left of what other tests have counted. */
const settleOthers = () => absent(Date.now() + 60_000)

async function needsAttention(id: string): Promise<boolean> {
  return (await countReleases(database.db, 'all', { attention: true, q: id })) === 1
}

test('a release whose workloads are gone needs a person at once, and no longer when they are back', async () => {
  const id = await insert()
  await record(Date.now(), seen(id, 2, 2, 1))
  expect(await needsAttention(id)).toBe(false)
  await record(Date.now(), seen(id, 0, 0, 0))
  expect(await needsAttention(id)).toBe(true)
  await record(Date.now(), seen(id, 2, 2, 1))
  expect(await needsAttention(id)).toBe(false)
})

test('one that is scaled to nothing does not, until its workload goes', async () => {
  const id = await insert()
  await record(Date.now(), seen(id, 0, 0, 1))
  expect(await needsAttention(id)).toBe(false)
  await record(Date.now(), seen(id, 0, 0, 0))
  expect(await needsAttention(id)).toBe(true)
})

test('one that has none by its last operation is not missing any', async () => {
  const [never, none] = await Promise.all([insert(), insert({ health: { ready: 0, total: 0, observedAt: 0 } })])
  await record(Date.now(), seen(never, 0, 0, 0), seen(none, 0, 0, 0))
  await absent(Date.now())
  expect(await Promise.all([never, none].map(needsAttention))).toEqual([false, false])
})

test('one that has not had all of its instances for five minutes needs a person, before that it may be a restart', async () => {
  const [long, lately] = await Promise.all([insert(), insert()])
  await record(minutesAgo(6), seen(long, 1, 2, 1))
  await record(minutesAgo(4), seen(lately, 1, 2, 1))
  expect(await needsAttention(long)).toBe(true)
  expect(await needsAttention(lately)).toBe(false)
})

test('what an operation works on is in its hands', async () => {
  const id = await insert({ operationId: randomUUID() })
  await record(minutesAgo(6), seen(id, 1, 2, 1))
  expect(await needsAttention(id)).toBe(false)
})

test('what went while nobody watched is missed by the next comparison', async () => {
  await settleOthers()
  const [gone, there] = await Promise.all([insert(), insert()])
  await record(minutesAgo(10), seen(gone, 2, 2, 1), seen(there, 2, 2, 1))
  expect(await absent(Date.now(), seen(there, 2, 2, 1))).toBe(0)
  expect(await Promise.all([gone, there].map(needsAttention))).toEqual([true, false])
  expect(await healthOf(gone)).toMatchObject({ ready: 0, total: 0, workloads: 0 })
})

test('what was counted just now stays as it was seen then, and is missed once the watch has seen later than that', async () => {
  await settleOthers()
  const id = await insert()
  const counted = { ready: 2, total: 2, workloads: 1 }
  const at = Date.now()
  await record(at, seen(id, 2, 2, 1))
  expect(await absent(at)).toBe(1)
  expect(await healthOf(id)).toMatchObject({ ...counted, observedAt: at, watched: false })
  expect(await absent(at + 1_000)).toBe(1)
  await record(at + 1_000, seen(id, 2, 2, 1))
  expect(await healthOf(id)).toMatchObject({ ...counted, observedAt: at + 1_000, watched: true })
  expect(await absent(at + 2_000)).toBe(1)
  expect(await absent(at + 7_000)).toBe(0)
  expect(await healthOf(id)).toEqual({ ready: 0, total: 0, workloads: 0, observedAt: at + 7_000, watched: true })
})

test('however many went, a statement writes a bounded number of them', async () => {
  const all = await Promise.all(Array.from({ length: 7 }, () => insert()))
  const [one, other, ...gone] = all.toSorted()
  if (one === undefined || other === undefined) throw new Error('no releases')
  await record(minutesAgo(10), ...all.map((id) => seen(id, 2, 2, 1)))
  await database.pool.query(`
    create table written (count int not null);
    create function note_written() returns trigger language plpgsql as
      $$ begin insert into written select count(*) from changed; return null; end $$;
    create trigger written after update on releases
      referencing new table as changed for each statement execute function note_written()`)
  await absent(Date.now(), seen(one, 2, 2, 1), seen(other, 2, 2, 1))
  const { rows } = await database.pool.query('select max(count) from written')
  expect(rows[0]).toEqual({ max: 2 })
  expect(await Promise.all(gone.map(needsAttention))).toEqual(gone.map(() => true))
  expect(await Promise.all([one, other].map(needsAttention))).toEqual([false, false])
})
