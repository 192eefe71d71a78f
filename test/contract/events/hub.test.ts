import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Subject } from '../../../src/core/subject.ts'
import { type Listener, openListener } from '../../../src/infra/database/listen.ts'
import { transaction } from '../../../src/infra/database/pool.ts'
import { listEvents, record } from '../../../src/infra/events/events.ts'
import { createEventHub } from '../../../src/infra/events/hub.ts'
import { silentLog } from '../../../src/infra/log.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'

/** In place of a subject's row. */
const counted = (last: number) => sql`select ${last}::bigint as seq`
const deaf: Pick<Listener, 'on'> = { on: () => () => undefined }

describe('events', () => {
  let database: FreshDatabase
  let subject: Subject
  let stop: AbortController
  beforeEach(async () => {
    database = await freshDatabase()
    subject = { kind: 'release', id: randomUUID() }
    stop = new AbortController()
  })
  afterEach(async () => {
    stop.abort()
    await database.close()
  })
  const add = (firstSeq: number, types: readonly string[], to = subject) =>
    transaction(database.db, (tx) =>
      record(
        tx,
        { subject: to, tenantId: null, counting: counted(firstSeq + types.length - 1), at: 1_700_000_000_123 },
        types.map((type) => ({ type, data: { type } })),
      ),
    )
  const take = async (events: AsyncIterable<{ readonly seq: number }>, count: number) => {
    const seen: number[] = []
    for await (const event of events) {
      seen.push(event.seq)
      if (seen.length === count) break
    }
    return seen
  }

  it('are listed in order, from a number on', async () => {
    await add(1, ['a', 'b'])
    await add(3, ['c'])
    await add(1, ['other'], { kind: 'release', id: randomUUID() })
    const events = await listEvents(database.db, subject, 1)
    expect(events).toMatchObject([
      { subject, seq: 2, type: 'b', data: { type: 'b' }, tenantId: null, at: 1_700_000_000_123 },
      { seq: 3, type: 'c' },
    ])
  })

  it('are not written without their change', async () => {
    const failing = transaction(database.db, async (tx) => {
      await record(tx, { subject, tenantId: null, counting: counted(1), at: 0 }, [{ type: 'a', data: {} }])
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(await listEvents(database.db, subject)).toEqual([])
  })

  it('never get the same number twice', async () => {
    await add(1, ['a'])
    await expect(add(1, ['b'])).rejects.toMatchObject({ code: '23505' })
  })

  it.each([
    ['notifications', true],
    ['polling alone', false],
  ])('stream without a gap by %s, from the number that a client saw last', async (_by, listening) => {
    const listener = listening ? openListener(database.url, silentLog) : deaf
    const hub = createEventHub(database.db, listener, listening ? 60_000 : 10)
    await add(1, ['a', 'b'])
    const streams = [0, 1, 2].map((after) => take(hub.subscribe(subject, after, stop.signal), 302 - after))
    for (let seq = 3; seq <= 302; seq += 3) await add(seq, ['x', 'y', 'z'])
    const all = Array.from({ length: 302 }, (_, index) => index + 1)
    expect(await Promise.all(streams)).toEqual([all, all.slice(1), all.slice(2)])
    if (listening) await (listener as Listener).close()
  })

  it('stream on after the listening connection was cut', async () => {
    const listener = openListener(database.url, silentLog)
    const hub = createEventHub(database.db, listener, 60_000)
    const stream = take(hub.subscribe(subject, 0, stop.signal), 2)
    await add(1, ['a'])
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and query like 'listen%'`.execute(database.db)
    await add(2, ['b'])
    expect(await stream).toEqual([1, 2])
    await listener.close()
  })

  it('end when the reader leaves', async () => {
    const hub = createEventHub(database.db, deaf, 60_000)
    const stream = take(hub.subscribe(subject, 0, stop.signal), 1)
    stop.abort()
    expect(await stream).toEqual([])
  })
})
