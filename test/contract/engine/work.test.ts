import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Subject, SubjectKind } from '../../../src/core/subject.ts'
import { transaction } from '../../../src/infra/database/pool.ts'
import { type Claimed, claim } from '../../../src/infra/engine/claim.ts'
import { LeaseLost } from '../../../src/infra/engine/errors.ts'
import { fenced } from '../../../src/infra/engine/fence.ts'
import type { Lease } from '../../../src/infra/engine/types.ts'
import { finish, readWanted, release, renew, wake } from '../../../src/infra/engine/work.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'

const leaseMs = 15_000
const takeoverMs = 2_000

describe('work', () => {
  let database: FreshDatabase
  beforeEach(async () => {
    database = await freshDatabase({ max: 10 })
  })
  afterEach(() => database.close())

  const wakeNow = (subject: Subject, at?: number) => transaction(database.db, (tx) => wake(tx, subject, { at }))
  const claimOf = (kind: SubjectKind, limit: number, worker: string) =>
    claim(database.db, { kinds: [kind], limit, worker, leaseMs, takeoverMs })
  const take = async (limit = 1, worker = 'w') => (await claimOf('release', limit, worker)).taken
  const takeOne = async () => only(await take())
  const row = async () => (await sql<Row>`select * from work`.execute(database.db)).rows[0]
  /** As if the lease had ended so long ago. */
  const endLease = (agoMs: number) =>
    sql`update work set due_at = now() - interval '1 hour',
      lease_until = clock_timestamp() - ${agoMs} * interval '1 millisecond'`.execute(database.db)

  it('gives a woken subject to one worker, and is empty when it was finished', async () => {
    const subject = release_()
    await wakeNow(subject)
    const lease = await takeOne()
    expect(lease.subject).toEqual(subject)
    expect(await take()).toEqual([])
    expect(await finish(database.db, lease, null, lease.wanted)).toBe(true)
    expect(await row()).toBeUndefined()
  })

  it('never gives a subject to two of eight that claim at once', async () => {
    const subjects = Array.from({ length: 100 }, release_)
    for (const subject of subjects) await wakeNow(subject)
    const claimAll = async (worker: string): Promise<Claimed[]> => {
      const taken = await take(7, worker)
      return taken.length === 0 ? [] : [...taken, ...(await claimAll(worker))]
    }
    const taken = (await Promise.all(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(claimAll))).flat()
    expect(taken.map((one) => one.subject.id).sort()).toEqual(subjects.map((one) => one.id).sort())
    expect(new Set(taken.map((one) => one.epoch)).size).toBe(100)
  })

  it('is not due before its time, and says how long that is', async () => {
    await wakeNow(release_(), Date.now() + 60_000)
    const { taken, nextMs } = await claimOf('release', 1, 'w')
    expect(taken).toEqual([])
    expect(nextMs).toBeGreaterThan(50_000)
    expect(await claimOf('cluster', 1, 'w')).toEqual({ taken: [], nextMs: null })
  })

  it('says with what was taken when the next is due', async () => {
    await wakeNow(release_())
    await wakeNow(release_(), Date.now() + 60_000)
    const { taken, nextMs } = await claimOf('release', 5, 'w')
    expect(taken).toHaveLength(1)
    expect(nextMs).toBeGreaterThan(50_000)
  })

  it('keeps the earlier of two moments', async () => {
    const subject = release_()
    await wakeNow(subject)
    await wakeNow(subject, Date.now() + 60_000)
    expect(await take()).toHaveLength(1)
  })

  it('stays due when it was woken during the work', async () => {
    const subject = release_()
    await wakeNow(subject)
    const lease = await takeOne()
    await wakeNow(subject)
    expect(await finish(database.db, lease, null, lease.wanted)).toBe(true)
    expect((await takeOne()).epoch).toBeGreaterThan(lease.epoch)
  })

  it('is finished when the last decision had seen the wake', async () => {
    const subject = release_()
    await wakeNow(subject)
    const lease = await takeOne()
    await wakeNow(subject)
    const seen = await fenced(database.db, held(lease), async (_tx, fence) => fence.wanted)
    await finish(database.db, lease, null, seen)
    expect(await row()).toBeUndefined()
  })

  it('gives epochs that rise, also after the row was gone', async () => {
    const subject = release_()
    const epochs: bigint[] = []
    for (let n = 0; n < 3; n++) {
      await wakeNow(subject)
      const lease = await takeOne()
      epochs.push(lease.epoch)
      await finish(database.db, lease, null, lease.wanted)
    }
    expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => Number(a - b)))
  })

  it('is taken over two seconds after the end of a lease that was not given back, not before', async () => {
    await wakeNow(release_())
    const lost = await takeOne()
    await endLease(takeoverMs - 200)
    expect(await take()).toEqual([])
    await endLease(takeoverMs)
    expect((await takeOne()).epoch).toBeGreaterThan(lost.epoch)
  })

  it('is there for the next worker at once when it was released', async () => {
    await wakeNow(release_())
    expect(await release(database.db, await takeOne())).toBe(true)
    expect(await take()).toHaveLength(1)
  })

  it('waits as long as it was released for', async () => {
    await wakeNow(release_())
    await release(database.db, await takeOne(), 60_000)
    expect(await take()).toEqual([])
  })

  describe('a lease that was taken over', () => {
    let lost: Claimed
    let taken: Claimed
    beforeEach(async () => {
      await wakeNow(release_())
      lost = await takeOne()
      await endLease(takeoverMs)
      taken = await takeOne()
    })

    it('cannot write', async () => {
      const writing = fenced(database.db, held(lost), (tx) => sql`delete from work`.execute(tx))
      await expect(writing).rejects.toBeInstanceOf(LeaseLost)
      expect(await row()).toBeDefined()
    })

    it('cannot be finished, released or renewed', async () => {
      expect(await finish(database.db, lost, null, lost.wanted)).toBe(false)
      expect(await release(database.db, lost)).toBe(false)
      expect(await renew(database.db, [lost, taken], leaseMs)).toMatchObject([{ state: 'lost' }, { state: 'renewed' }])
      expect(await readWanted(database.db, [lost, taken])).toEqual([0, 1])
    })
  })

  describe('fenced', () => {
    it('writes nothing when the lease has run out by its own clock', async () => {
      await wakeNow(release_())
      const lease = { ...held(await takeOne()), remainingMs: () => 0 }
      await expect(fenced(database.db, lease, async () => 1)).rejects.toBeInstanceOf(LeaseLost)
    })

    it('holds off a takeover until its transaction has ended', async () => {
      await wakeNow(release_())
      const lease = await takeOne()
      await endLease(takeoverMs)
      await fenced(database.db, held(lease), async () => expect(await take()).toEqual([]))
      expect(await take()).toHaveLength(1)
    })

    it('lets a command wake the subject meanwhile', async () => {
      const subject = release_()
      await wakeNow(subject)
      const lease = held(await takeOne())
      const wanted = await fenced(database.db, lease, async (_tx, fence) => {
        await wakeNow(subject)
        return fence.wanted
      })
      expect(await finish(database.db, lease, null, wanted)).toBe(true)
      expect(await take()).toHaveLength(1)
    })
  })

  describe('renew', () => {
    it('revives no lease that was given back', async () => {
      await wakeNow(release_())
      const lease = await takeOne()
      await finish(database.db, lease, 0, lease.wanted)
      expect(await renew(database.db, [lease], leaseMs)).toMatchObject([{ state: 'busy' }])
      expect(await take()).toMatchObject([{ subject: lease.subject }])
    })

    it('skips a row that a command holds, and says that it is not lost', async () => {
      const subject = release_()
      await wakeNow(subject)
      const lease = await takeOne()
      await transaction(database.db, async (tx) => {
        await wake(tx, subject)
        expect(await renew(database.db, [lease], leaseMs)).toMatchObject([{ state: 'busy' }])
      })
      expect(await renew(database.db, [lease], leaseMs)).toMatchObject([{ state: 'renewed', wanted: 2 }])
    })

    it('keeps a subject from being taken over', async () => {
      await wakeNow(release_())
      const lease = await takeOne()
      await endLease(takeoverMs)
      await renew(database.db, [lease], leaseMs)
      expect(await take()).toEqual([])
    })
  })

  it('loses no wake and gives no subject twice, in any order of steps', async () => {
    const step = fc.constantFrom('wake', 'claim', 'decide', 'renew', 'finish', 'release', 'crash')
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        await sql`delete from work`.execute(database.db)
        await runSteps(steps)
      }),
      { numRuns: 60 },
    )
  })

  /** A model beside the table: how many wakes there were, how many the holder has seen, whether the subject waits. */
  const runSteps = async (steps: readonly string[]) => {
    const subject = release_()
    const model = { wakes: 0, seen: 0, waits: false }
    let lease: Claimed | null = null
    let fence = 0
    for (const step of steps) {
      if (step === 'wake') {
        await wakeNow(subject)
        model.wakes++
        model.waits ||= lease === null
      } else if (step === 'claim') {
        const [taken]: readonly Claimed[] = await take()
        expect(taken !== undefined).toBe(model.waits)
        if (taken === undefined) continue
        lease = taken
        fence = taken.wanted
        Object.assign(model, { seen: model.wakes, waits: false })
      } else if (lease === null) {
      } else if (step === 'decide') {
        fence = await fenced(database.db, held(lease), async (_tx, { wanted }) => wanted)
        model.seen = model.wakes
      } else if (step === 'renew') {
        expect(await renew(database.db, [lease], leaseMs)).toMatchObject([{ state: 'renewed' }])
      } else {
        if (step === 'finish') expect(await finish(database.db, lease, null, fence)).toBe(true)
        if (step === 'release') expect(await release(database.db, lease)).toBe(true)
        if (step === 'crash') await endLease(takeoverMs)
        model.waits = step !== 'finish' || model.wakes > model.seen
        lease = null
      }
    }
  }
})

type Row = { readonly lease_until: Date | null; readonly due_at: Date }

function release_(): Subject {
  return { kind: 'release', id: randomUUID() }
}

function held(claimed: Claimed): Lease {
  return { ...claimed, signal: new AbortController().signal, remainingMs: () => leaseMs }
}

function only(claimed: readonly Claimed[]): Claimed {
  const [one] = claimed
  if (one === undefined) throw new Error('nothing was due')
  return one
}
