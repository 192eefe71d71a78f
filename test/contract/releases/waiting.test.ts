import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { transaction } from '../../../src/infra/database/pool.ts'
import { mostWaiting, refuseFullQueue, requireQueued } from '../../../src/releases/commands/queue-limit.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase({ max: 10 })
  // Operations alone, of no release.
  await sql`alter table operations drop constraint operations_parent_id_fkey,
    drop constraint operations_execution_id_fkey`.execute(database.db)
})
afterAll(() => database.close())

type Given = { readonly started?: boolean; readonly parentId?: string; readonly executionId?: string }
const operations = (tenantId: string | null, many: number, { started, parentId, executionId }: Given = {}) =>
  sql`insert into operations (id, tenant_id, parent_id, execution_id, kind, request, state, status, performed_by,
      principal_id, seq, version, created_at, started_at)
    select gen_random_uuid(), ${tenantId}, ${parentId ?? null}, ${executionId ?? null}, 'upgrade', '{}', '{}', 'QUEUED',
      'test', 'test', 0, 0, now(), ${started === true ? new Date() : null}
    from generate_series(1, ${many}::int)`.execute(database.db)
const isFull = (tenantId: string | null) =>
  refuseFullQueue(database.db, tenantId).then(
    () => false,
    () => true,
  )

test('what has begun, and what a batch or an execution ordered, does not count', async () => {
  const tenantId = randomUUID()
  await operations(tenantId, mostWaiting - 1)
  await operations(tenantId, mostWaiting, { started: true })
  await operations(tenantId, mostWaiting, { executionId: randomUUID() })
  for (let n = 0; n < 3; n++) await operations(tenantId, 1, { parentId: randomUUID() })
  expect(await isFull(tenantId)).toBe(false)
  await operations(tenantId, 1)
  expect(await isFull(tenantId)).toBe(true)
  expect(await isFull(randomUUID())).toBe(false)
})

test('what belongs to no tenant has a limit of its own', async () => {
  expect(await isFull(null)).toBe(false)
  await operations(null, mostWaiting)
  expect(await isFull(null)).toBe(true)
  expect(await isFull(randomUUID())).toBe(false)
})

test('it holds for any number that come at once', async () => {
  const tenantId = randomUUID()
  await operations(tenantId, mostWaiting - 2)
  const accept = () =>
    transaction(database.db, async (tx) => {
      await sql`insert into operations (id, tenant_id, kind, request, state, status, performed_by, principal_id, seq,
          version, created_at)
        values (${randomUUID()}, ${tenantId}, 'upgrade', '{}', '{}', 'QUEUED', 'test', 'test', 0, 0, now())`.execute(tx)
      await requireQueued(tx, tenantId)
    })
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, accept))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'too_many_requests' })
  }
})
