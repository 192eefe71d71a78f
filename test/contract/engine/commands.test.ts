import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Problem } from '../../../src/core/problems.ts'
import { transaction } from '../../../src/infra/database/pool.ts'
import { execute, executeIn } from '../../../src/infra/engine/commands.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'
import { createSteps, insertSteps, readSteps, type StepMachine, stepMachine } from '../../support/steps.ts'

describe('execute', () => {
  let database: FreshDatabase
  const machine = stepMachine(new Map())
  beforeEach(async () => {
    database = await freshDatabase()
    await createSteps(database.db)
  })
  afterEach(() => database.close())
  const context = () => ({ db: database.db, now: () => 1 })
  const due = async () => (await sql`select subject_id from work where due_at <= now()`.execute(database.db)).rows

  it('saves, wakes and returns the new state', async () => {
    const id = await insertSteps(database.db, [])
    expect(await execute(context(), machine, id, { kind: 'add', step: 'a' })).toMatchObject({ id, todo: ['a'] })
    expect(await readSteps(database.db, id)).toMatchObject({ todo: ['a'] })
    expect(await due()).toEqual([{ subject_id: id }])
  })

  it('wakes in the share that the machine tells, unless another one is given', async () => {
    const [id, own, other] = [await insertSteps(database.db, []), randomUUID(), randomUUID()]
    const shareNow = async () =>
      (await sql<{ share: string }>`select share from work`.execute(database.db)).rows[0]?.share
    const tells = { ...machine, share: () => own }
    await execute(context(), tells, id, { kind: 'add', step: 'a' })
    expect(await shareNow()).toBe(own)
    const given = { command: { kind: 'add', step: 'b' }, now: 1, share: other } as const
    await transaction(database.db, (tx) => executeIn(tx, tells, id, given))
    expect(await shareNow()).toBe(other)
  })

  it('throws what the machine refused, and changes nothing', async () => {
    const id = await insertSteps(database.db, [])
    await execute(context(), machine, id, { kind: 'cancel' })
    await sql`delete from work`.execute(database.db)
    const refused = execute(context(), machine, id, { kind: 'add', step: 'a' })
    await expect(refused).rejects.toMatchObject({ name: 'Problem', code: 'conflict', message: 'cancelled already' })
    expect(await due()).toEqual([])
  })

  it('knows no subject that is not there', async () => {
    const unknown = execute(context(), machine, randomUUID(), { kind: 'cancel' })
    await expect(unknown).rejects.toEqual(expect.objectContaining({ code: 'not_found' }))
    await expect(unknown).rejects.toBeInstanceOf(Problem)
  })

  it('keeps every one of many at the same moment', async () => {
    const id = await insertSteps(database.db, [])
    const steps = Array.from({ length: 20 }, (_, index) => `s${index}`)
    await Promise.all(steps.map((step) => execute(context(), machine, id, { kind: 'add', step })))
    expect([...(await readSteps(database.db, id)).todo].sort()).toEqual([...steps].sort())
  })

  it('is part of an open transaction when asked', async () => {
    const id = await insertSteps(database.db, [])
    const failing = transaction(database.db, async (tx) => {
      await executeIn(tx, machine, id, { command: { kind: 'add', step: 'a' }, now: 1 })
      throw new Error('after all')
    })
    await expect(failing).rejects.toThrow('after all')
    expect(await readSteps(database.db, id)).toMatchObject({ todo: [] })
    expect(await due()).toEqual([])
  })

  it('does not let a command act', async () => {
    const id = await insertSteps(database.db, [])
    const act = { act: { kind: 'step', step: 'a' }, baseline: {}, deadline: 1 } as const
    const decide: StepMachine['decide'] = (state) => ({ kind: 'next', state, act, events: [], wake: null })
    const acting = { ...machine, decide }
    await expect(execute(context(), acting, id, { kind: 'cancel' })).rejects.toThrow(/must not act/)
  })
})
