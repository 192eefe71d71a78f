import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { transaction } from '../../../src/infra/database/pool.ts'
import { type ClaimOptions, claim } from '../../../src/infra/engine/claim.ts'
import { fleetShare, type Share, Turns } from '../../../src/infra/engine/shares.ts'
import { wake } from '../../../src/infra/engine/work.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'

const [a, b, c] = ['a', 'b', 'c'].map((digit) => fleetShare.replaceAll('0', digit)) as [Share, Share, Share]

describe('a claim', () => {
  let database: FreshDatabase
  beforeAll(async () => {
    database = await freshDatabase()
  })
  afterAll(() => database.close())
  beforeEach(() => sql`delete from work`.execute(database.db))

  /** As many of a share are due, each a minute later than the one before it; the first since that many minutes. */
  const queue = (share: Share, many: number, sinceMinutes: number) =>
    sql`insert into work (kind, subject_id, share, due_at, wanted, seen, epoch)
      select 'release', gen_random_uuid(), ${share}, now() + (n - ${sinceMinutes}::int) * interval '1 minute', 1, 0, 0
      from generate_series(0, ${many - 1}::int) as n`.execute(database.db)
  const take = (options: Partial<ClaimOptions>) =>
    claim(database.db, { kinds: ['release'], limit: 1, worker: 'w', leaseMs: 15_000, takeoverMs: 0, ...options })
  const sharesOf = async (options: Partial<ClaimOptions>) => (await take(options)).taken.map(({ share }) => share)

  it('goes round the shares, whatever is due longer', async () => {
    await queue(a, 20, 1_000)
    await queue(b, 2, 100)
    await queue(c, 3, 10)
    expect(await sharesOf({ limit: 8 })).toEqual([a, b, c, a, b, c, a, c])
  })

  it('serves the share first that was not served for longest, and new ones before it', async () => {
    await queue(a, 5, 1_000)
    await queue(b, 5, 100)
    await queue(c, 5, 10)
    const served = [
      { share: b, held: 0 },
      { share: a, held: 0 },
    ]
    expect(await sharesOf({ limit: 6, served })).toEqual([c, b, a, c, b, a])
  })

  it('takes the longest due of a share first', async () => {
    await queue(a, 5, 1_000)
    const { rows } = await sql<{ id: string }>`select subject_id as id from work order by due_at`.execute(database.db)
    const { taken } = await take({ limit: 5 })
    expect(taken.map(({ subject }) => subject.id)).toEqual(rows.map(({ id }) => id))
  })

  it('takes no more of a share than may be held of it, and does not ask to be repeated for the rest', async () => {
    await queue(a, 20, 1_000)
    await queue(b, 1, 10)
    const first = await take({ limit: 8, mostOfShare: 4 })
    expect(first.taken.map(({ share }) => share)).toEqual([a, b, a, a, a])
    expect(first.nextMs).toBeNull()
    const served = [
      { share: b, held: 1 },
      { share: a, held: 4 },
    ]
    expect(await take({ limit: 3, mostOfShare: 4, served })).toEqual({ taken: [], nextMs: null })
    expect(await sharesOf({ limit: 4, mostOfShare: 4, served: [{ share: a, held: 3 }] })).toEqual([a])
  })

  it('tells when the next is due of a share of which more may be held', async () => {
    await queue(a, 5, 1_000)
    await transaction(database.db, (tx) =>
      wake(tx, { kind: 'release', id: randomUUID() }, { at: Date.now() + 60_000, share: b }),
    )
    const { nextMs } = await take({ limit: 3, mostOfShare: 2 })
    expect(nextMs).toBeGreaterThan(30_000)
  })

  it('leaves the share of a subject that is woken again without one', async () => {
    const subject = { kind: 'release', id: randomUUID() } as const
    const shareNow = async () =>
      (await sql<{ share: Share }>`select share from work`.execute(database.db)).rows[0]?.share
    await transaction(database.db, (tx) => wake(tx, subject))
    expect(await shareNow()).toBe(fleetShare)
    await transaction(database.db, (tx) => wake(tx, subject, { share: a }))
    await transaction(database.db, (tx) => wake(tx, subject))
    expect(await shareNow()).toBe(a)
  })

  it('lets nobody wait for more turns than there are shares, however much another one has queued', async () => {
    const story = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 2, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(story, fc.nat(11), async (queued, late) => {
        await sql`delete from work`.execute(database.db)
        const turns = new Turns()
        const shares = queued.map((_, n) => fleetShare.replaceAll('0', String(n + 1)))
        for (const [n, share] of shares.entries()) await queue(share, queued[n] ?? 0, 1_000)
        const order: Share[] = []
        const serveOne = async () => {
          for (const { share } of (await take({ served: turns.served() })).taken) {
            order.push(share)
            turns.took(share)
            turns.gaveBack(share)
          }
        }
        for (let n = 0; n < late; n++) await serveOne()
        const before = order.length
        await queue(a, 1, 1)
        for (let n = 0; n <= shares.length; n++) await serveOne()
        expect(order.slice(before)).toContain(a)
      }),
      { numRuns: 25 },
    )
  })
})

describe('Turns', () => {
  it('counts what is held, the longest not served share first', () => {
    const turns = new Turns()
    for (const share of [a, b, a, c]) turns.took(share)
    turns.gaveBack(b)
    expect(turns.served()).toEqual([
      { share: b, held: 0 },
      { share: a, held: 2 },
      { share: c, held: 1 },
    ])
  })

  it('forgets only shares of which nothing is held', () => {
    const turns = new Turns()
    turns.took(a)
    for (let n = 0; n < 1_000; n++) {
      turns.took(`share ${n}`)
      turns.gaveBack(`share ${n}`)
    }
    expect(turns.served().length).toBeLessThanOrEqual(201)
    expect(turns.served()[0]).toEqual({ share: a, held: 1 })
  })
})
