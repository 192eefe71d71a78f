import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ActFailure, Attempt } from '../../../src/core/decision.ts'
import type { Uuid } from '../../../src/core/subject.ts'
import { systemClock } from '../../../src/infra/clock.ts'
import { type Listener, openListener } from '../../../src/infra/database/listen.ts'
import { transaction } from '../../../src/infra/database/pool.ts'
import { type AttemptRow, toAttempt } from '../../../src/infra/engine/attempt-rows.ts'
import { claim } from '../../../src/infra/engine/claim.ts'
import { execute } from '../../../src/infra/engine/commands.ts'
import { driverOf } from '../../../src/infra/engine/drive.ts'
import { ActAborted, ActFailed } from '../../../src/infra/engine/errors.ts'
import type { ActContext } from '../../../src/infra/engine/types.ts'
import { wake } from '../../../src/infra/engine/work.ts'
import { startWorker, type Worker, type WorkerOptions } from '../../../src/infra/engine/worker.ts'
import { silentLog } from '../../../src/infra/log.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'
import {
  applyStep,
  type CarryOut,
  createSteps,
  insertSteps,
  readSteps,
  type StepAct,
  type StepMachine,
  stepMachine,
  together,
  type World,
} from '../../support/steps.ts'

const soon = { timeout: 10_000, interval: 10 }

/** Decisions are written one by one under their subject's lock, or several together. */
const ways = [
  ['one by one', (machine: StepMachine) => machine],
  ['together', together],
] as const

describe.each(ways)('startWorker, with decisions written %s', (_, written) => {
  let database: FreshDatabase
  let listener: Listener
  let world: World
  let workers: Worker[]
  beforeEach(async () => {
    database = await freshDatabase({ max: 10 })
    listener = openListener(database.url, silentLog)
    await createSteps(database.db)
    world = new Map()
    workers = []
  })
  afterEach(async () => {
    for (const worker of workers) await worker.stop()
    await listener.close()
    await database.close()
  })

  const work = (machine: StepMachine, options: Partial<WorkerOptions> = {}) => {
    const worker = startWorker({
      ...{ db: database.db, listener, drivers: [driverOf(written(machine))], concurrency: 4 },
      ...{ clock: systemClock, log: silentLog, pollMs: 50, takeoverMs: 50, retryMs: 20, ...options },
    })
    workers.push(worker)
    return worker
  }
  const begin = async (...todo: string[]) => {
    const id = await insertSteps(database.db, todo)
    await transaction(database.db, (tx) => wake(tx, { kind: 'release', id }))
    return id
  }
  const state = (id: Uuid) => readSteps(database.db, id)
  const attempts = async (id: Uuid) => {
    const { rows } = await sql<{ result: string | null; failure: ActFailure | null }>`
      select result, failure from attempts where subject_id = ${id} order by seq`.execute(database.db)
    return rows
  }
  const newest = async (id: Uuid): Promise<Attempt<StepAct> | null> => {
    const { rows } = await sql<AttemptRow>`select * from attempts
      where subject_kind = 'release' and subject_id = ${id} order by seq desc limit 1`.execute(database.db)
    return rows[0] === undefined ? null : toAttempt(rows[0])
  }
  const rows = async () => (await sql`select * from work`.execute(database.db)).rows

  it('drives a subject through its acts until nothing is due', async () => {
    const id = await begin('a', 'b', 'c')
    await work(stepMachine(world)).idle()
    expect(world.get(id)).toEqual(['a', 'b', 'c'])
    expect(await state(id)).toMatchObject({ done: ['a', 'b', 'c'], results: ['1:done', '2:done', '3:done'] })
    expect(await rows()).toEqual([])
  })

  it('starts at once what a command wakes', async () => {
    const id = await insertSteps(database.db, [])
    const machine = stepMachine(world)
    await work(machine, { pollMs: 60_000 }).idle()
    await execute({ db: database.db, now: Date.now }, machine, id, { kind: 'add', step: 'x' })
    await expect.poll(() => world.get(id), soon).toEqual(['x'])
  })

  it('does not lose a command that comes while it works', async () => {
    const machine: StepMachine = stepMachine(world, async (act, { lease }) => {
      if (act.step === 'a') {
        await execute({ db: database.db, now: Date.now }, machine, lease.subject.id, { kind: 'add', step: 'b' })
      }
      applyStep(world, lease.subject.id, act.step)
    })
    const id = await begin('a')
    await work(machine).idle()
    expect(await state(id)).toMatchObject({ done: ['a', 'b'] })
  })

  it('looks again when a command came between the observation and the decision', async () => {
    const machine = stepMachine(world)
    let interfere = true
    const observe: StepMachine['observe'] = async (before, lease) => {
      const observed = await machine.observe(before, lease)
      if (interfere) {
        interfere = false
        await execute({ db: database.db, now: Date.now }, machine, before.id, { kind: 'add', step: 'b' })
      }
      return [...observed, `saw ${before.todo.length}`]
    }
    const seen: (readonly [number, string | undefined])[] = []
    const decide: StepMachine['decide'] = (before, input, now) => {
      if (input.kind === 'observed') seen.push([before.todo.length, input.observation.at(-1)])
      return machine.decide(before, input, now)
    }
    const id = await begin('a')
    await work({ ...machine, observe, decide }).idle()
    // What was decided on the state of before, if anything, was not written.
    expect(seen.filter(([todo]) => todo === 1)).toEqual(written === together ? [[1, 'saw 1']] : [])
    expect(seen.filter(([todo]) => todo === 2).map(([, saw]) => saw)).toEqual(['saw 2', 'saw 2', 'saw 2'])
    expect(await attempts(id)).toHaveLength(2)
  })

  it('looks again when a command is committed while the decision waits for its subject', async () => {
    const machine = stepMachine(world)
    let interfere = true
    const load: StepMachine['load'] = async (db, id, options) => {
      if (options?.lock === true && interfere) {
        interfere = false
        await execute({ db: database.db, now: Date.now }, machine, id, { kind: 'add', step: 'b' })
      }
      return machine.load(db, id, options)
    }
    const observe: StepMachine['observe'] = async (before, lease) => [
      ...(await machine.observe(before, lease)),
      `saw ${before.todo.length}`,
    ]
    const decided: string[] = []
    const decide: StepMachine['decide'] = (before, input, now) => {
      if (input.kind === 'observed') decided.push(`${before.todo.length}: ${input.observation.at(-1)}`)
      return machine.decide(before, input, now)
    }
    const id = await begin('a')
    await work({ ...machine, load, observe, decide }).idle()
    expect(decided.filter((each) => each === '2: saw 1')).toEqual([])
    // What is written together waits for no subject.
    expect(interfere).toBe(written === together)
    expect(await state(id)).toMatchObject({ done: interfere ? ['a'] : ['a', 'b'] })
  })

  it('records how an act failed, and lets the machine decide', async () => {
    const failure: ActFailure = { code: 'helm_failed', detail: 'no' }
    let tries = 0
    const id = await begin('a')
    await work(
      stepMachine(world, async (act, { lease }) => {
        if (++tries === 1) throw new ActFailed('unchanged', failure)
        applyStep(world, lease.subject.id, act.step)
      }),
    ).idle()
    expect(await attempts(id)).toEqual([
      { result: 'unchanged', failure },
      { result: 'done', failure: null },
    ])
  })

  it('tries again later what failed in a way that nobody foresaw, and says nothing of it but to the log', async () => {
    let tries = 0
    const log = { ...silentLog, error: vi.fn() }
    const id = await begin('a')
    const carryOut: CarryOut = async (act, { lease }) => {
      if (++tries < 3) throw new RangeError('password=hunter2')
      applyStep(world, lease.subject.id, act.step)
    }
    work(stepMachine(world, carryOut), { log })
    await expect.poll(() => state(id), soon).toMatchObject({ done: ['a'] })
    expect(await attempts(id)).toMatchObject([
      { result: 'interrupted', failure: { code: 'internal' } },
      { result: 'interrupted' },
      { result: 'done' },
    ])
    expect(JSON.stringify(await attempts(id))).not.toContain('hunter2')
    expect(log.error).toHaveBeenCalledTimes(2)
  })

  it('ends an act that a command cancels', async () => {
    const machine = stepMachine(world, untilAborted)
    const id = await begin('a')
    work(machine)
    await expect.poll(() => newest(id), soon).not.toBeNull()
    await execute({ db: database.db, now: Date.now }, machine, id, { kind: 'cancel' })
    await expect.poll(() => attempts(id), soon).toMatchObject([{ result: 'unchanged', failure: { code: 'cancelled' } }])
    await expect.poll(rows, soon).toEqual([])
  })

  it.each([
    ['another fault', () => new RangeError('a bug of ours'), 1],
    ['the abort itself', (reason: unknown) => reason, 0],
    ['what the abort caused', (reason: unknown) => new Error('no answer', { cause: reason }), 0],
  ])('says of an act that was cancelled, and threw %s, what nobody else does', async (_what, thrown, told) => {
    const log = { ...silentLog, error: vi.fn() }
    const machine = stepMachine(world, async (_act, { signal }) => {
      await systemClock.sleep(60_000, signal)
      throw thrown(signal.reason)
    })
    const id = await begin('a')
    work(machine, { log })
    await expect.poll(() => newest(id), soon).not.toBeNull()
    await execute({ db: database.db, now: Date.now }, machine, id, { kind: 'cancel' })
    await expect.poll(rows, soon).toEqual([])
    expect(await attempts(id)).toMatchObject([{ result: 'interrupted', failure: { code: 'cancelled' } }])
    expect(log.error.mock.calls.filter(([fields]) => fields.error.includes('a bug of ours'))).toHaveLength(told)
    expect(log.error).toHaveBeenCalledTimes(told)
  })

  it('ends an act at its deadline', async () => {
    const machine = stepMachine(world, untilAborted)
    const decide: StepMachine['decide'] = (before, input, now) => {
      if (input.kind === 'observed' && input.attempt !== null) {
        return { kind: 'next', state: before, act: null, events: [], wake: null }
      }
      const decision = machine.decide(before, input, now)
      if (decision.kind !== 'next' || decision.act === null) return decision
      return { ...decision, act: { ...decision.act, deadline: now + 20 } }
    }
    const id = await begin('a')
    await work({ ...machine, decide }).idle()
    expect(await attempts(id)).toMatchObject([{ result: 'unchanged', failure: { code: 'timed_out' } }])
  })

  it('takes over from a worker that died in an act, and does not repeat what the world shows', async () => {
    const id = await begin('a', 'b')
    const {
      taken: [lost],
    } = await claim(database.db, {
      kinds: ['release'],
      limit: 1,
      worker: 'dead',
      leaseMs: 100,
      takeoverMs: 0,
    })
    await sql`insert into attempts (subject_kind, subject_id, seq, act, baseline, epoch, started_at, deadline)
      values ('release', ${id}, 1, '{"kind":"step","step":"a"}', '{}', ${lost?.epoch}, now(), now())`.execute(
      database.db,
    )
    applyStep(world, id, 'a')
    const acted: string[] = []
    const carryOut: CarryOut = async (act, { lease }) => {
      acted.push(act.step)
      applyStep(world, lease.subject.id, act.step)
    }
    work(stepMachine(world, carryOut))
    await expect.poll(() => state(id), soon).toMatchObject({ results: ['1:interrupted', '2:done'] })
    expect(acted).toEqual(['b'])
  })

  it('writes nothing for an act whose subject was taken over, and says nothing', async () => {
    const log = { ...silentLog, error: vi.fn(), warn: vi.fn() }
    const id = await begin('a')
    let context: ActContext | undefined
    const carryOut: CarryOut = async (_act, given) => {
      context = given
      await sql`update work set epoch = nextval('work_epoch')`.execute(database.db)
      await untilAborted(_act, given)
    }
    work(stepMachine(world, carryOut), { log, leaseMs: 300 })
    await expect.poll(() => context?.lease.remainingMs(), soon).toBe(0)
    expect(context?.signal.reason).toMatchObject({ why: 'lease-lost' })
    expect(await attempts(id)).toMatchObject([{ result: null }])
    expect(log.error).not.toHaveBeenCalled()
  })

  it('keeps its lease for as long as an act takes', async () => {
    const id = await begin('a')
    const leaseEnd = async () => {
      const { rows } = await sql<{ end: Date | null }>`select lease_until as end from work`.execute(database.db)
      return rows[0]?.end?.getTime() ?? 0
    }
    const carryOut: CarryOut = async (act, { lease, signal }) => {
      for (const first = await leaseEnd(); (await leaseEnd()) < first + 500; ) await systemClock.sleep(20, signal)
      if (lease.remainingMs() > 0) applyStep(world, id, act.step)
    }
    work(stepMachine(world, carryOut), { leaseMs: 3_000 })
    await expect.poll(() => state(id), soon).toMatchObject({ done: ['a'], results: ['1:done'] })
  })

  it('never has two workers on one subject', async () => {
    const busy = new Map<Uuid, number>()
    let most = 0
    const carryOut: CarryOut = async (act, { lease }) => {
      const { id } = lease.subject
      busy.set(id, (busy.get(id) ?? 0) + 1)
      most = Math.max(most, busy.get(id) ?? 0)
      await systemClock.sleep(1)
      applyStep(world, id, act.step)
      busy.set(id, (busy.get(id) ?? 0) - 1)
    }
    const ids = await Promise.all(Array.from({ length: 20 }, () => begin('a', 'b')))
    const machines = [1, 2, 3].map(() => work(stepMachine(world, carryOut)))
    for (const id of ids) await transaction(database.db, (tx) => wake(tx, { kind: 'release', id }))
    await Promise.all(machines.map((worker) => worker.idle()))
    for (const id of ids) expect(await state(id)).toMatchObject({ results: ['1:done', '2:done'] })
    expect(most).toBe(1)
  })

  it('works on as many of a kind as its limit says, and no more', async () => {
    const two = Promise.withResolvers<void>()
    let now = 0
    let most = 0
    const carryOut: CarryOut = async (act, { lease }) => {
      most = Math.max(most, ++now)
      if (now === 2) two.resolve()
      await two.promise
      await systemClock.sleep(5)
      now--
      applyStep(world, lease.subject.id, act.step)
    }
    for (let n = 0; n < 8; n++) await begin('a')
    await work(stepMachine(world, carryOut), { limits: { release: 2 } }).idle()
    expect(most).toBe(2)
  })

  it('goes on when every connection was cut', async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, () => begin('a', 'b', 'c')))
    work(stepMachine(world), { leaseMs: 600 })
    for (let n = 0; n < 3; n++) {
      await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`.execute(database.db)
    }
    for (const id of ids)
      await expect.poll(() => state(id).catch(() => null), soon).toMatchObject({ done: ['a', 'b', 'c'] })
  })

  describe('stop', () => {
    it('lets an act that is under way end', async () => {
      const id = await begin('a', 'b')
      const started = Promise.withResolvers<void>()
      const carryOut: CarryOut = async (act, { lease }) => {
        started.resolve()
        await systemClock.sleep(50)
        applyStep(world, lease.subject.id, act.step)
      }
      const worker = work(stepMachine(world, carryOut))
      await started.promise
      await worker.stop({ graceMs: 10_000 })
      expect(await attempts(id)).toMatchObject([{ result: 'done' }])
      expect(await rows()).toMatchObject([{ lease_until: null }])
    })

    it('ends one that takes too long, and leaves the rest to the next worker at once', async () => {
      const id = await begin('a')
      const worker = work(stepMachine(world, untilAborted))
      await expect.poll(() => newest(id), soon).not.toBeNull()
      await worker.stop({ graceMs: 20 })
      expect(await attempts(id)).toMatchObject([{ result: 'unchanged', failure: { code: 'interrupted' } }])
      await work(stepMachine(world), { takeoverMs: 60_000 }).idle()
      expect(await state(id)).toMatchObject({ done: ['a'] })
    })
  })
})

/** An act that ends when it is told to, and knows why. */
const untilAborted: CarryOut = async (_act, { signal }) => {
  await systemClock.sleep(60_000, signal)
  const why = signal.reason instanceof ActAborted ? signal.reason.why : 'deadline'
  const code = why === 'deadline' ? 'timed_out' : why === 'cancelled' ? 'cancelled' : 'interrupted'
  throw new ActFailed('unchanged', { code, detail: why })
}
