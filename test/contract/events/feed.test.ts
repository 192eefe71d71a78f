import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Subject } from '../../../src/core/subject.ts'
import { type Listener, openListener } from '../../../src/infra/database/listen.ts'
import { migrate, migrations } from '../../../src/infra/database/migrate.ts'
import { transaction } from '../../../src/infra/database/pool.ts'
import type { Tx } from '../../../src/infra/database/types.ts'
import { record } from '../../../src/infra/events/events.ts'
import { countFeed, type FeedFilter, judge, listFeed, type Reader, readFeed } from '../../../src/infra/events/feed.ts'
import { createEventFeed, type EventFeed } from '../../../src/infra/events/feed-stream.ts'
import { numberEvents, startNumbering } from '../../../src/infra/events/numbering.ts'
import { silentLog } from '../../../src/infra/log.ts'
import { emptyDatabase, type FreshDatabase, freshDatabase } from '../../support/database.ts'

const admin: Reader = { id: 'admin', tenants: 'all' }
const ignore = async () => {}
const release = (): Subject => ({ kind: 'release', id: randomUUID() })

type Told = { readonly subject: Subject; readonly seq: number; readonly tenantId?: string; readonly by?: string }

function write(tx: Tx, { subject, seq, tenantId, by }: Told, type = 'x') {
  const counting = sql`select ${seq}::bigint as seq`
  const of = { subject, tenantId: tenantId ?? null, counting, at: 1_700_000_000_000 }
  return record(tx, by === undefined ? of : { ...of, principalId: by }, [{ type, data: {} }])
}

let database: FreshDatabase
let stop: AbortController
beforeEach(async () => {
  database = await freshDatabase({ max: 20 })
  stop = new AbortController()
})
afterEach(async () => {
  stop.abort()
  await database.close()
})

/** Follows from the beginning until it has seen so many. */
async function follower(feed: EventFeed, count: number, seen: number[] = []) {
  for await (const { position } of feed.subscribe(admin, {}, 0, stop.signal)) {
    seen.push(position)
    if (seen.length === count) break
  }
  return seen
}

const page = (reader: Reader = admin, filter: FeedFilter = {}, after: number | null = null) =>
  listFeed(database.db, reader, filter, { after, limit: 1_000, order: 'position' })

/** A transaction that has written its event and is still open. */
async function open(told: Told) {
  const written = Promise.withResolvers<void>()
  const may = Promise.withResolvers<void>()
  const ended = transaction(database.db, async (tx) => {
    await write(tx, told)
    written.resolve()
    await may.promise
  })
  await written.promise
  return async () => {
    may.resolve()
    await ended
  }
}

describe('the order over all events', () => {
  it('has what was written earlier and committed later behind what a reader has seen', async () => {
    const [early, late] = [release(), release()]
    const commit = await open({ subject: early, seq: 1 })
    await transaction(database.db, (tx) => write(tx, { subject: late, seq: 1 }))
    expect(await numberEvents(database.db, ignore)).toBe('some')
    const seen = await page()
    expect(seen.map(({ subject }) => subject)).toEqual([late])
    await commit()
    await numberEvents(database.db, ignore)
    const then = await page(admin, {}, seen[0]?.position)
    expect(then.map(({ subject }) => subject)).toEqual([early])
  })

  it('is handed on once, in the transaction that makes it, and waits when that fails', async () => {
    await transaction(database.db, (tx) => write(tx, { subject: release(), seq: 1 }))
    const failing = numberEvents(database.db, () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    expect(await page()).toEqual([])
    const handed: number[] = []
    for (const expected of ['some', 'none'] as const) {
      expect(await numberEvents(database.db, async (_, from, to) => void handed.push(from, to))).toBe(expected)
    }
    const [only] = await page()
    expect(handed).toEqual([only?.position, only?.position])
  })

  it('tells whether there may be more than it took at once', async () => {
    for (const seq of [1, 2, 3]) await transaction(database.db, (tx) => write(tx, { subject: release(), seq }))
    for (const expected of ['more', 'some', 'none']) expect(await numberEvents(database.db, ignore, 2)).toBe(expected)
  })

  it('is made by one at a time', async () => {
    await transaction(database.db, (tx) => write(tx, { subject: release(), seq: 1 }))
    const other = Promise.withResolvers<string>()
    await numberEvents(database.db, async () => other.resolve(await numberEvents(database.db, ignore)))
    expect(await other.promise).toBe('busy')
  })

  it('misses nothing and is the same for all, whatever commits when, is given up, and comes back', async () => {
    const step = fc.record({
      subject: fc.nat(3),
      holdMs: fc.nat(8),
      commits: fc.boolean(),
    })
    const listener = openListener(database.url, silentLog)
    const numberings = [1, 2].map(() =>
      startNumbering({ db: database.db, listener, log: silentLog, onNumbered: ignore, pollMs: 60_000 }),
    )
    const feed = createEventFeed(database.db, listener, silentLog, 50)
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), fc.nat(5), async (steps, leaveAfter) => {
        const before = (await page()).at(-1)?.position ?? 0
        const subjects = [0, 1, 2, 3].map(release)
        const told = await Promise.all(
          subjects.map((subject, of) =>
            writing(
              subject,
              steps.filter((each) => each.subject === of),
            ),
          ),
        )
        const expected = told.flat().length
        const readers = [leaveAfter, 1_000].map((leave) => readAll(feed, before, expected, leave))
        const [one, other] = await Promise.all(readers)
        expect(one).toEqual(other)
        for (const [of, subject] of subjects.entries()) {
          const own = one?.filter((event) => event.startsWith(subject.id)).map((event) => Number(event.split('#')[1]))
          expect(own).toEqual(told[of])
        }
      }),
      { numRuns: 10 },
    )
    await Promise.all(numberings.map((each) => each.stop()))
    await listener.close()
  })

  /** Writes in a row, each in a transaction that is held open; answers the numbers of those that were committed. */
  async function writing(subject: Subject, steps: readonly { holdMs: number; commits: boolean }[]) {
    const committed: number[] = []
    for (const { holdMs, commits } of steps) {
      const seq = (committed.at(-1) ?? 0) + 1
      const ended = transaction(database.db, async (tx) => {
        await write(tx, { subject, seq })
        await new Promise((resolve) => setTimeout(resolve, holdMs))
        if (!commits) throw new Error('given up')
      })
      if (await ended.then(() => true).catch(() => false)) committed.push(seq)
    }
    return committed
  }

  /** Reads so many events, leaving and coming back each time it has seen some. */
  async function readAll(feed: EventFeed, after: number, count: number, leaveAfter: number) {
    const seen: string[] = []
    for (let last = after; seen.length < count; ) {
      const leaving = new AbortController()
      let here = 0
      for await (const { subject, seq, position } of feed.subscribe(admin, {}, last, leaving.signal)) {
        seen.push(`${subject.id}#${seq}`)
        last = position
        if (here++ === leaveAfter || seen.length === count) leaving.abort()
      }
    }
    return seen
  }
})

it('who follows gets all of more than is kept in memory, however far behind', async () => {
  const listener = openListener(database.url, silentLog)
  const feed = createEventFeed(database.db, listener, silentLog, 20)
  const seen: number[] = []
  const early = follower(feed, 5_200, seen)
  let written = 0
  for (const count of [1, 2_500, 3, 2_196, 500]) {
    await sql`insert into events (subject_kind, subject_id, seq, id, type, data, at)
      select 'release', gen_random_uuid(), 1, gen_random_uuid(), 'x', '{}', now() from generate_series(1, ${count}::int)`.execute(
      database.db,
    )
    while ((await numberEvents(database.db, ignore)) === 'more') {}
    written += count
    await vi.waitFor(() => expect(seen).toHaveLength(written), { timeout: 20_000, interval: 10 })
  }
  const late = follower(feed, 5_200)
  const all = (await readFeed(database.db, 0, 10_000)).map(({ event }) => event.position)
  expect(all).toHaveLength(5_200)
  expect(await early).toEqual(all)
  expect(await late).toEqual(all)
  await listener.close()
})

describe('a reader', () => {
  const [mine, other] = [randomUUID(), randomUUID()]
  const viewer: Reader = { id: 'me', tenants: [mine] }

  beforeEach(async () => {
    await transaction(database.db, async (tx) => {
      await write(tx, { subject: release(), seq: 1, tenantId: mine }, 'release.upgrade.started')
      await write(tx, { subject: release(), seq: 1, tenantId: other }, 'release.upgraded')
      await write(tx, { subject: { kind: 'component', id: randomUUID() }, seq: 1 }, 'component.created')
      await write(tx, { subject: { kind: 'batch', id: randomUUID() }, seq: 1, by: 'me' }, 'batch.mine')
      await write(tx, { subject: { kind: 'batch', id: randomUUID() }, seq: 1, by: 'you' }, 'batch.yours')
    })
    await numberEvents(database.db, ignore)
  })
  const types = async (reader: Reader, filter: FeedFilter = {}) => {
    const found = (await page(reader, filter)).map(({ type }) => type)
    expect(await countFeed(database.db, reader, filter)).toBe(found.length)
    return found
  }

  it('sees what is of their tenants, of the registry, and asked for by themselves', async () => {
    expect(await types(viewer)).toEqual(['release.upgrade.started', 'component.created', 'batch.mine'])
    expect(await types(admin)).toHaveLength(5)
    expect(await types({ id: 'nobody', tenants: [] })).toEqual(['component.created'])
  })

  it('finds nothing more by a filter', async () => {
    expect(await types(viewer, { tenantId: other })).toEqual([])
    expect(await types(viewer, { q: 'batch' })).toEqual(['batch.mine'])
  })

  it('narrows by a type or its beginning up to a dot', async () => {
    expect(await types(admin, { type: 'release.upgrade' })).toEqual(['release.upgrade.started'])
    expect(await types(admin, { type: 'release' })).toEqual(['release.upgrade.started', 'release.upgraded'])
    expect(await types(admin, { type: 'release_' })).toEqual([])
  })

  it('reads from either end', async () => {
    const order = '-position'
    const newest = await listFeed(database.db, admin, {}, { after: null, limit: 2, order })
    expect(newest.map(({ type }) => type)).toEqual(['batch.yours', 'batch.mine'])
    const next = { after: newest[1]?.position ?? 0, limit: 1, order } as const
    expect((await listFeed(database.db, admin, {}, next)).map(({ type }) => type)).toEqual(['component.created'])
  })

  it('is shown the same from memory as from the database', async () => {
    const tenants = [mine, other, randomUUID()]
    const types = ['release', 'release.upgrade', 'release.upgraded', 'Release.x', 'batch.mine']
    const subjects = [
      release(),
      { kind: 'execution', id: randomUUID() },
      { kind: 'component', id: randomUUID() },
    ] as const
    const told = fc.record({
      of: fc.nat(2),
      tenantId: fc.option(fc.constantFrom(...tenants), { nil: undefined }),
      by: fc.option(fc.constantFrom('me', 'you'), { nil: undefined }),
      type: fc.constantFrom(...types),
    })
    const asked = fc.record(
      {
        tenantId: fc.constantFrom(...tenants),
        type: fc.constantFrom('release', 'release.upgrade', 'nothing'),
        q: fc.constantFrom('UPG', 'x', '%'),
        subjects: fc.subarray([...subjects]),
      },
      { requiredKeys: [] },
    )
    const readers = fc.record({
      id: fc.constantFrom('me', 'you'),
      tenants: fc.oneof(fc.constant('all' as const), fc.subarray(tenants)),
    })
    let seq = 0
    await fc.assert(
      fc.asyncProperty(fc.array(told, { maxLength: 8 }), readers, asked, async (events, reader, filter) => {
        for (const { of, type, tenantId, by } of events) {
          seq += 1
          const one = { subject: subjects[of] ?? release(), seq, ...(tenantId && { tenantId }), ...(by && { by }) }
          await transaction(database.db, (tx) => write(tx, one, type))
        }
        await numberEvents(database.db, ignore)
        const all = await readFeed(database.db, 0, 10_000)
        const wanted = all.filter(judge(reader, filter)).map(({ event }) => event)
        expect(wanted).toEqual(await page(reader, filter))
      }),
      { numRuns: 40 },
    )
  })

  it('that waits is told by notifications alone, and by looking alone', async () => {
    const listener = openListener(database.url, silentLog)
    const deaf: Pick<Listener, 'on'> = { on: () => () => undefined }
    const feeds = [
      createEventFeed(database.db, listener, silentLog, 60_000),
      createEventFeed(database.db, deaf, silentLog, 10),
    ]
    const all = feeds.map(async (feed) => {
      const seen: string[] = []
      for await (const { type } of feed.subscribe(viewer, {}, 0, stop.signal)) {
        seen.push(type)
        if (seen.length === 4) break
      }
      return seen
    })
    await transaction(database.db, (tx) => write(tx, { subject: release(), seq: 1, tenantId: mine }, 'late'))
    await numberEvents(database.db, ignore)
    for (const seen of await Promise.all(all)) expect(seen.at(-1)).toBe('late')
    await listener.close()
  })
})

it('events from before the feed get places by time, never against the order of their subject', async () => {
  const old = await emptyDatabase()
  await migrate(
    old.db,
    migrations.filter(({ name }) => name < '0005'),
  )
  const [a, b] = [randomUUID(), randomUUID()]
  await sql`insert into events (subject_kind, subject_id, seq, id, type, data, at)
    select 'release', subject::uuid, seq, gen_random_uuid(), 'x', '{}', to_timestamp(at)
    from (values (${a}, 1, 20), (${a}, 2, 10), (${b}, 1, 15), (${b}, 2, 30)) as told (subject, seq, at)`.execute(old.db)
  await migrate(old.db)
  const events = await listFeed(old.db, admin, {}, { after: null, limit: 10, order: 'position' })
  expect(events.map(({ subject, seq }) => [subject.id, seq])).toEqual([
    [b, 1],
    [a, 1],
    [a, 2],
    [b, 2],
  ])
  await transaction(old.db, (tx) => write(tx, { subject: { kind: 'release', id: a }, seq: 3 }))
  await numberEvents(old.db, ignore)
  const all = await listFeed(old.db, admin, {}, { after: null, limit: 10, order: 'position' })
  expect(all.at(-1)?.seq).toBe(3)
  await old.close()
})
