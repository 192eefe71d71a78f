import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { placeAt } from '../../../src/infra/database/ordered.ts'
import { transaction } from '../../../src/infra/database/pool.ts'
import { type Lease, LeaseLost } from '../../../src/infra/engine/index.ts'
import { listEvents } from '../../../src/infra/events/events.ts'
import type { Execution, ExecutionStatus } from '../../../src/upgrades/core/model.ts'
import {
  executionReader,
  insertExecution,
  loadExecution,
  recordExecution,
  saveExecution,
} from '../../../src/upgrades/store/executions.ts'
import {
  activeExecution,
  countExecutions,
  type ExecutionFilter,
  listExecutions,
  statisticsOf,
} from '../../../src/upgrades/store/queries.ts'
import { worldReader, worldWriter, writeWorld } from '../../../src/upgrades/store/rehearsals.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'
import { executionOf, insertTenant, instanceOf } from './given.ts'

let database: FreshDatabase
let tenantId: string
beforeEach(async () => {
  database = await freshDatabase()
  tenantId = await insertTenant(database.db)
})
afterEach(() => database.close())

const insert = (execution: Execution) => transaction(database.db, (tx) => insertExecution(tx, execution))
const given = async (more: Partial<Execution> = {}) => {
  const execution = executionOf(tenantId, more)
  expect(await insert(execution)).toBe(true)
  return execution
}
const save = (before: Execution, after: Execution) => transaction(database.db, (tx) => saveExecution(tx, before, after))

describe('an execution', () => {
  it('comes back as it was written, locked or not; what the database cannot hold is replaced', async () => {
    const execution = await given()
    const stored = { ...execution, warnings: [{ code: 'DOWNTIME', message: 'none is ready\ufffd' }] }
    expect(await loadExecution(database.db, execution.id)).toEqual(stored)
    expect(await transaction(database.db, (tx) => loadExecution(tx, execution.id, { lock: true }))).toEqual(stored)
  })

  it('is read together with others that are asked for at the same time, as it is then', async () => {
    const [one, other] = [await given(), await given()]
    const read = executionReader(database.db)
    const asked = await Promise.all([read(other.id), read(tenantId), read(one.id)])
    expect(asked).toEqual([await loadExecution(database.db, other.id), null, await loadExecution(database.db, one.id)])
    await save(one, { ...one, currentBatch: 1 })
    expect(await read(one.id)).toMatchObject({ version: 1, currentBatch: 1 })
  })

  it('keeps what a decision changed, and writes instances that are other objects only', async () => {
    const execution = await given()
    const before = await loadExecution(database.db, execution.id)
    if (before === null) throw new Error('it was written')
    await sql`update instances set state = '{"marked": true}'`.execute(database.db)
    const instances = before.instances.map((each) => (each.index < 2 ? { ...each, status: 'DRAINING' as const } : each))
    const after: Execution = { ...before, status: 'IN_PROGRESS', stage: 'moving', startedAt: 7, instances }
    await save(before, after)
    const { rows } = await sql`select ordinal from instances where state ? 'marked' order by ordinal`.execute(
      database.db,
    )
    expect(rows).toEqual([2, 3, 4, 5, 6, 7, 8, 9].map((ordinal) => ({ ordinal })))
    const row = await loadExecution(database.db, execution.id)
    expect(row).toMatchObject({ status: 'IN_PROGRESS', stage: 'moving', startedAt: 7, version: 1 })
    expect(row?.instances.slice(0, 2)).toEqual(instances.slice(0, 2))
  })

  it('adds and drops places', async () => {
    const before = await given()
    const added = instanceOf(before.id, 10)
    const after = { ...before, instances: [...before.instances.slice(3), added] }
    await save(before, after)
    expect((await loadExecution(database.db, before.id))?.instances).toEqual(after.instances)
  })

  it('refuses to save what was changed meanwhile', async () => {
    const before = await given()
    await save(before, { ...before, currentBatch: 1 })
    await expect(save(before, { ...before, currentBatch: 2 })).rejects.toThrow('changed meanwhile')
  })

  it('numbers its events without gaps', async () => {
    const execution = await given()
    const record = (...types: string[]) =>
      transaction(database.db, (tx) =>
        recordExecution(
          tx,
          execution,
          types.map((type) => ({ type, data: {} })),
          1,
        ),
      )
    await record('a', 'b')
    await record()
    await record('c')
    const events = await listEvents(database.db, { kind: 'execution', id: execution.id })
    expect(events.map(({ seq, type, tenantId: of }) => [seq, type, of])).toEqual([
      [1, 'a', tenantId],
      [2, 'b', tenantId],
      [3, 'c', tenantId],
    ])
  })
})

describe('one active execution a tenant and component', () => {
  it('is kept by the database, whoever asks at once; rehearsals have a slot of their own', async () => {
    const { componentId } = executionOf(tenantId)
    const many = Array.from({ length: 50 }, () => executionOf(tenantId, { componentId }))
    const written = await Promise.all(many.map(insert))
    expect(written.filter(Boolean)).toHaveLength(1)
    expect(await activeExecution(database.db, { tenantId, componentId, rehearsal: false })).toMatchObject({
      status: 'PENDING',
    })
    expect(await activeExecution(database.db, { tenantId, componentId, rehearsal: true })).toBeNull()
    await given({ componentId, target: { kind: 'rehearsal', faults: {} } })
  })

  it('is free again once it has ended', async () => {
    const before = await given()
    await save(before, { ...before, status: 'CANCELLED', endedAt: 9 })
    const { componentId } = before
    expect(await activeExecution(database.db, { tenantId, componentId, rehearsal: false })).toBeNull()
    await given({ componentId })
  })
})

describe('lists', () => {
  const ids = async (filter: Partial<ExecutionFilter>) => {
    const whole: ExecutionFilter = { tenants: [tenantId], ...filter }
    const found = await listExecutions(database.db, whole, { after: null, limit: 10, order: '-createdAt' })
    expect(await countExecutions(database.db, whole)).toBe(found.length)
    return found.map(({ execution }) => execution.id)
  }

  it('are newest first, pageable, and filtered', async () => {
    const older = await given({ createdAt: 1000 })
    const newer = await given({ createdAt: 2000, status: 'PAUSED' })
    const rehearsed = await given({ createdAt: 3000, target: { kind: 'rehearsal', faults: {} } })
    expect(await ids({})).toEqual([rehearsed.id, newer.id, older.id])
    expect(await ids({ status: 'PAUSED' })).toEqual([newer.id])
    expect(await ids({ attention: true })).toEqual([newer.id])
    expect(await ids({ rehearsal: true })).toEqual([rehearsed.id])
    expect(await ids({ componentId: older.componentId })).toEqual([older.id])
    expect(await ids({ q: 'MATIH' })).toHaveLength(3)
    expect(await ids({ q: 'nobody' })).toEqual([])
    expect(await ids({ tenants: [] })).toEqual([])
    expect(await ids({ tenants: 'all' })).toHaveLength(3)
    const after = placeAt(newer.createdAt, newer.id)
    const next = await listExecutions(database.db, { tenants: 'all' }, { after, limit: 10, order: '-createdAt' })
    expect(next.map(({ execution }) => execution.id)).toEqual([older.id])
    const back = await listExecutions(database.db, { tenants: 'all' }, { after, limit: 10, order: 'createdAt' })
    expect(back.map(({ execution }) => execution.id)).toEqual([rehearsed.id])
  })

  it('show an execution as it is read alone, its instances counted by status', async () => {
    const before = await given()
    const instances = before.instances.map((each) => (each.index < 3 ? { ...each, status: 'FAILED' as const } : each))
    await save(before, { ...before, instances })
    const none = await given({ createdAt: 1000, instances: [] })
    const page = { after: null, limit: 10, order: '-createdAt' } as const
    const listed = await listExecutions(database.db, { tenants: 'all' }, page)
    expect(listed.map(({ counts }) => counts)).toEqual([{ FAILED: 3, PENDING: 7 }, {}])
    for (const [n, { id }] of [before, none].entries()) {
      const whole = await loadExecution(database.db, id)
      expect({ ...listed[n]?.execution, instances: whole?.instances }).toEqual(whole)
    }
  })

  it('a failure needs a person until the component is upgraded again', async () => {
    const failed = await given({ createdAt: 1000, status: 'FAILED' })
    expect(await ids({ attention: true })).toEqual([failed.id])
    await given({ createdAt: 2000, componentId: failed.componentId })
    expect(await ids({ attention: true })).toEqual([])
  })
})

describe('the world of a rehearsal', () => {
  const leaseOf = (id: string, epoch: bigint, leftMs = 1000): Lease => ({
    ...{ subject: { kind: 'execution', id }, epoch, signal: new AbortController().signal },
    remainingMs: () => leftMs,
  })

  it('is changed by who holds the lease, and by nobody else', async () => {
    const { id } = await given({ target: { kind: 'rehearsal', faults: {} } })
    const other = await given()
    await transaction(database.db, (tx) => writeWorld(tx, id, { at: 1 }))
    await sql`insert into work (kind, subject_id, due_at, wanted, seen, epoch)
      values ('execution', ${id}, now(), 1, 1, 7)`.execute(database.db)
    const changeWorld = worldWriter(database.db)
    const changed = [
      changeWorld({ lease: leaseOf(id, 7n, 0), world: { at: 4 } }),
      changeWorld({ lease: leaseOf(id, 6n), world: { at: 3 } }),
      changeWorld({ lease: leaseOf(id, 7n), world: { at: 2 } }),
    ]
    const lost = { status: 'rejected', reason: expect.any(LeaseLost) }
    expect(await Promise.allSettled(changed)).toEqual([lost, lost, { status: 'fulfilled', value: undefined }])
    const readWorld = worldReader(database.db)
    expect(await Promise.all([readWorld(id), readWorld(other.id)])).toEqual([{ at: 2 }, undefined])
  })
})

describe('statistics', () => {
  const ended = (componentId: string, status: ExecutionStatus, seconds: number, more: Partial<Execution> = {}) =>
    given({ componentId, status, startedAt: 1000, endedAt: 1000 + seconds * 1000, ...more })

  it('are zero without executions', async () => {
    const { componentId } = executionOf(tenantId)
    expect(await statisticsOf(database.db, componentId, 'all')).toEqual({
      componentId,
      totalExecutions: 0,
      successfulExecutions: 0,
      failedExecutions: 0,
      successRate: 0,
      averageDurationSeconds: 0,
    })
  })

  it('count as SPEC section 5 says, without rehearsals, and for the tenants that the caller may see', async () => {
    const { componentId } = executionOf(tenantId)
    await ended(componentId, 'COMPLETED', 10)
    await ended(componentId, 'COMPLETED', 21)
    await ended(componentId, 'FAILED', 1000)
    await ended(componentId, 'ROLLED_BACK', 1000)
    await ended(componentId, 'CANCELLED', 1000)
    await ended(componentId, 'COMPLETED', 5000, { target: { kind: 'rehearsal', faults: {} } })
    await given({ componentId })
    const other = await insertTenant(database.db)
    await insert(executionOf(other, { componentId, status: 'FAILED', startedAt: 0, endedAt: 1 }))
    expect(await statisticsOf(database.db, componentId, [tenantId])).toEqual({
      componentId,
      totalExecutions: 6,
      successfulExecutions: 2,
      failedExecutions: 2,
      successRate: 50,
      averageDurationSeconds: 15.5,
    })
    expect(await statisticsOf(database.db, componentId, 'all')).toMatchObject({
      totalExecutions: 7,
      failedExecutions: 3,
      successRate: 40,
    })
  })
})
