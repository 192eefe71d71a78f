import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { transaction } from '../../../src/infra/database/pool.ts'
import { attemptOf, openAttempt } from '../../../src/infra/engine/attempts.ts'
import { claim } from '../../../src/infra/engine/claim.ts'
import { type Settlement, settlingOf } from '../../../src/infra/engine/settle.ts'
import type { LeaseName } from '../../../src/infra/engine/types.ts'
import { wake } from '../../../src/infra/engine/work.ts'
import { listEvents } from '../../../src/infra/events/events.ts'
import { silentLog } from '../../../src/infra/log.ts'
import type { Execution, ExecutionAct } from '../../../src/upgrades/core/model.ts'
import {
  insertExecution,
  loadExecution,
  saveExecution,
  savingExecutions,
} from '../../../src/upgrades/store/executions.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'
import { executionOf, insertTenant } from './given.ts'

type Decided = Settlement<Execution, ExecutionAct>

const now = Date.parse('2026-02-03T04:05:06.789Z')

describe('decisions on several executions', () => {
  let database: FreshDatabase
  let tenantId: string
  const log = { ...silentLog, warn: vi.fn() }
  beforeEach(async () => {
    log.warn.mockClear()
    database = await freshDatabase()
    tenantId = await insertTenant(database.db)
  })
  afterEach(() => database.close())

  /** Executions whose leases are held, as they are stored. */
  const held = async (count: number) => {
    const ids = Array.from({ length: count }, () => randomUUID())
    await transaction(database.db, async (tx) => {
      for (const id of ids) {
        await insertExecution(tx, executionOf(tenantId, { id }))
        await wake(tx, { kind: 'execution', id })
      }
    })
    const options = { kinds: ['execution'], worker: 'w', leaseMs: 60_000, takeoverMs: 0 } as const
    const { taken } = await claim(database.db, { ...options, limit: count })
    return Promise.all(
      ids.map(async (id) => {
        const lease = taken.find(({ subject }) => subject.id === id)
        const before = await loadExecution(database.db, id)
        if (lease === undefined || before === null) throw new Error('it was written and claimed')
        return { id, lease, before }
      }),
    )
  }
  const settleAll = (settlements: readonly Decided[]) => {
    const saving = { covers: () => true, statement: savingExecutions }
    const { settle } = settlingOf<Execution, ExecutionAct>({ db: database.db, log }, 'execution', saving)
    return Promise.all(settlements.map(settle))
  }
  const settling = (lease: LeaseName, before: Execution, more: Partial<Decided> = {}): Decided => {
    const after: Execution = { ...before, status: 'VALIDATING', currentBatch: 2 }
    const change = { before, after, events: [] }
    return { lease, wanted: 1, change, next: { kind: 'rest', wake: now }, now, ...more }
  }
  const workOf = async (id: string) => {
    const { rows } = await sql<{ lease_until: Date | null; due_at: Date }>`
      select lease_until, due_at from work where subject_id = ${id}`.execute(database.db)
    return rows[0]
  }
  const read = (id: string) => loadExecution(database.db, id)

  it('are written together: state, instances, events, attempts, and when each is due', async () => {
    const [one, other, third] = await held(3)
    if (one === undefined || other === undefined || third === undefined) throw new Error('three are held')
    const instances = one.before.instances.map((each) => (each.index < 2 ? { ...each, ready: false } : each))
    const after: Execution = { ...one.before, status: 'IN_PROGRESS', instances, startedAt: 7, waitingFor: null }
    const events = ['a', 'b', 'c'].map((type) => ({ type, data: { text: 'none\0' } }))
    const planned = { act: { kind: 'pin', to: null }, baseline: { was: 1 }, deadline: now + 9 } as const
    const attempt = attemptOf(planned, { seq: 1, epoch: other.lease.epoch, now })
    const settled = await settleAll([
      settling(one.lease, one.before, { change: { before: one.before, after, events } }),
      settling(other.lease, other.before, { next: { kind: 'act', attempt } }),
      settling(third.lease, third.before, { change: null, next: { kind: 'rest', wake: null } }),
    ])
    expect(log.warn.mock.calls).toEqual([])
    expect(settled).toEqual([true, true, true])
    expect(await read(one.id)).toEqual({ ...after, version: 1, seq: 3n, warnings: one.before.warnings })
    expect(await workOf(one.id)).toEqual({ lease_until: null, due_at: new Date(now) })
    const told = await listEvents(database.db, { kind: 'execution', id: one.id })
    expect(told.map(({ seq, type, tenantId: of, at, data }) => [seq, type, of, at, data])).toEqual(
      ['a', 'b', 'c'].map((type, nth) => [nth + 1, type, tenantId, now, { text: 'none\ufffd' }]),
    )
    expect(await read(other.id)).toMatchObject({ status: 'VALIDATING', version: 1 })
    expect((await workOf(other.id))?.lease_until).not.toBeNull()
    const { newestAttempt } = settlingOf<Execution, ExecutionAct>({ db: database.db, log }, 'execution', {
      covers: () => true,
      statement: savingExecutions,
    })
    expect(await Promise.all([other.id, one.id].map(newestAttempt))).toEqual([attempt, null])
    expect(await read(third.id)).toEqual(third.before)
    expect(await workOf(third.id)).toBeUndefined()
  })

  it('are given to the feed in the order in which each execution made them', async () => {
    const all = await held(5)
    const events = Array.from({ length: 4 }, (_, nth) => ({ type: `t${nth}`, data: {} }))
    await settleAll(
      all.map(({ lease, before }) => settling(lease, before, { change: { before, after: before, events } })),
    )
    const { rows } = await sql<{ types: string[] }>`
      select array_agg(type order by written_seq) as types from events group by subject_id`.execute(database.db)
    expect(rows).toEqual(all.map(() => ({ types: ['t0', 't1', 't2', 't3'] })))
  })

  /** What came in between, each with why nothing may be written. */
  const between: Readonly<
    Record<string, (one: { id: string; lease: LeaseName; before: Execution }) => Promise<unknown>>
  > = {
    'the lease was taken over': ({ id }) =>
      sql`update work set epoch = nextval('work_epoch') where subject_id = ${id}`.execute(database.db),
    'somebody woke it': ({ id }) => transaction(database.db, (tx) => wake(tx, { kind: 'execution', id })),
    'its state is another': ({ before }) =>
      transaction(database.db, (tx) => saveExecution(tx, before, { ...before, currentBatch: 9 })),
    'the lease was given back': ({ id }) =>
      sql`update work set lease_until = null, worker = null where subject_id = ${id}`.execute(database.db),
    'its work is gone': ({ id }) => sql`delete from work where subject_id = ${id}`.execute(database.db),
  }
  it.each(Object.entries(between))('are made anew, each by itself, where %s', async (_, happen) => {
    const [one, other] = await held(2)
    if (one === undefined || other === undefined) throw new Error('two are held')
    await happen(one)
    const [state, work] = [await read(one.id), await workOf(one.id)]
    const events = [{ type: 'a', data: {} }]
    const change = { before: one.before, after: { ...one.before, currentBatch: 2 }, events }
    expect(await settleAll([settling(one.lease, one.before, { change }), settling(other.lease, other.before)])).toEqual(
      [false, true],
    )
    expect(log.warn).not.toHaveBeenCalled()
    expect(await read(one.id)).toEqual(state)
    expect(await workOf(one.id)).toEqual(work)
    expect(await listEvents(database.db, { kind: 'execution', id: one.id })).toEqual([])
    expect(await read(other.id)).toMatchObject({ status: 'VALIDATING' })
  })

  it('are not those of a lease that was taken over, beside those of the new one', async () => {
    const [one, other] = await held(2)
    if (one === undefined || other === undefined) throw new Error('two are held')
    await sql`update work set epoch = nextval('work_epoch') where subject_id = ${one.id}`.execute(database.db)
    const { rows } = await sql<{ epoch: string }>`select epoch from work where subject_id = ${one.id}`.execute(
      database.db,
    )
    const taken = { ...one.lease, epoch: BigInt(rows[0]?.epoch ?? 0) }
    const planned = { act: { kind: 'pin', to: null }, baseline: {}, deadline: now } as const
    const acting = (lease: LeaseName) =>
      settling(lease, one.before, {
        change: { before: one.before, after: one.before, events: [{ type: String(lease.epoch), data: {} }] },
        next: { kind: 'act', attempt: attemptOf(planned, { epoch: lease.epoch, now, seq: 1 }) },
      })
    for (const order of [
      [one.lease, taken],
      [taken, one.lease],
    ]) {
      await sql`delete from attempts`.execute(database.db)
      await sql`update executions set version = 0`.execute(database.db)
      const settled = await settleAll([...order.map(acting), settling(other.lease, other.before, { change: null })])
      expect(settled).toEqual([order[0] === taken, order[1] === taken, order[0] === one.lease])
      const opened = await sql<{ epoch: string }>`select epoch from attempts`.execute(database.db)
      expect(opened.rows.map(({ epoch }) => BigInt(epoch))).toEqual([taken.epoch])
    }
    const told = await listEvents(database.db, one.lease.subject)
    expect(told.map(({ type }) => type)).toEqual([String(taken.epoch), String(taken.epoch)])
    expect(log.warn).not.toHaveBeenCalled()
  })

  /** Rows that a transaction of somebody else holds. */
  const locks: Readonly<Record<string, (id: string) => ReturnType<typeof sql>>> = {
    'the execution': (id) => sql`select from executions where id = ${id} for update`,
    'its work': (id) => sql`update work set wanted = wanted + 1 where subject_id = ${id}`,
    'its work as a fence does': (id) => sql`select from work where subject_id = ${id} for key share`,
  }
  it.each(Object.entries(locks))('wait for nobody who has locked %s', async (_, lock) => {
    const [one, other] = await held(2)
    if (one === undefined || other === undefined) throw new Error('two are held')
    await transaction(database.db, async (tx) => {
      await lock(one.id).execute(tx)
      for (const wake of [null, now]) {
        const next = { kind: 'rest', wake } as const
        expect(await settleAll([settling(one.lease, one.before, { next })])).toEqual([false])
      }
      const all = [settling(one.lease, one.before), settling(other.lease, other.before)]
      expect(await settleAll(all)).toEqual([false, true])
    })
  })

  it('are left to themselves when one of them cannot be written', async () => {
    const [one, other] = await held(2)
    if (one === undefined || other === undefined) throw new Error('two are held')
    const planned = { act: { kind: 'pin', to: null }, baseline: {}, deadline: now } as const
    const by = { epoch: one.lease.epoch, now }
    await transaction(database.db, (tx) => openAttempt(tx, one.lease.subject, planned, by))
    const twice = settling(one.lease, one.before, {
      next: { kind: 'act', attempt: attemptOf(planned, { ...by, seq: 1 }) },
    })
    expect(await settleAll([twice, settling(other.lease, other.before)])).toEqual([false, false])
    expect(log.warn).toHaveBeenCalled()
    expect(await read(other.id)).toEqual(other.before)
  })
})
