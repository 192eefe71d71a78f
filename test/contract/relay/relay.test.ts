import fc from 'fast-check'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Publish } from '../../../src/relay/index.ts'
import { FakeBroker } from '../../support/fake-broker.ts'
import { propertyRuns } from '../../support/property-runs.ts'
import {
  componentTopic,
  eventsOf,
  executionTopic,
  firstsOf,
  openWorld,
  releaseTopic,
  subject,
  upTo,
  type World,
} from './world.ts'

const runs = propertyRuns(12)

let broker: FakeBroker
let world: World
beforeEach(async () => {
  broker = new FakeBroker()
  world = await openWorld((...given) => broker.publish(...given))
})
afterEach(() => world.close())

describe('a relay', () => {
  it('sends each kind to its topic, with the subject as key, once when nothing fails', async () => {
    await world.open()
    world.work()
    const subjects = (['release', 'batch', 'component', 'execution'] as const).map(subject)
    for (const each of subjects) await world.tell(each, 2)
    await world.untilCaughtUp()
    const [release, batch, component, execution] = subjects.map(({ id }) => id)
    expect(broker.taken(releaseTopic).map(({ key }) => key)).toEqual([release, release, batch, batch])
    expect(broker.taken(componentTopic).map(({ key }) => key)).toEqual([component, component])
    expect(broker.taken(executionTopic).map(({ key }) => key)).toEqual([execution, execution])
  })

  it('begins with the first event that there is', async () => {
    const early = subject('release')
    await world.tell(early, 3)
    await world.open()
    world.work()
    await world.untilCaughtUp()
    expect(firstsOf(broker.taken(releaseTopic), early)).toEqual([1, 2, 3])
  })

  it(
    'loses nothing and keeps the order of each subject, whatever the broker does and whoever is ended when',
    async () => {
      await world.open()
      const step = fc.record({ of: fc.nat(3), count: fc.integer({ min: 1, max: 12 }), ends: fc.boolean() })
      const faults = fc.infiniteStream(fc.constantFrom(null, null, 'lost', 'taken_and_lost'))
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), faults, async (steps, chances) => {
          broker.fault = () => chances.next().value ?? null
          const subjects = (['release', 'release', 'execution', 'component'] as const).map(subject)
          let worker = world.work()
          for (const { of, count, ends } of steps) {
            await world.tell(subjects[of] ?? subject('release'), count)
            if (!ends) continue
            void worker.stop()
            worker = world.work()
          }
          await world.untilCaughtUp()
          await worker.stop()
          const topics = [releaseTopic, releaseTopic, executionTopic, componentTopic]
          for (const [n, each] of subjects.entries()) {
            const told = steps.filter(({ of }) => of === n).reduce((sum, { count }) => sum + count, 0)
            expect(firstsOf(broker.taken(topics[n] ?? ''), each)).toEqual(upTo(told))
          }
        }),
        { numRuns: runs.numRuns },
      )
    },
    runs.limitMs,
  )

  it('goes on with the other topics while one is missing, says how far it is behind, and catches up', async () => {
    broker.missing.add(releaseTopic)
    await world.open()
    world.work()
    const [release, execution] = [subject('release'), subject('execution')]
    await world.tell(release, 20)
    await world.tell(execution, 20)
    await expect.poll(() => broker.taken(executionTopic).length, { timeout: 30_000 }).toBe(20)
    const lag = async (topic: string) => (await world.lags()).find((each) => each.topic === topic)
    expect(await lag(releaseTopic)).toMatchObject({ events: 20, since: expect.any(Number) })
    await expect.poll(() => lag(executionTopic)).toEqual({ topic: executionTopic, events: 0, since: null })
    broker.missing.clear()
    await world.untilCaughtUp()
    expect(firstsOf(broker.taken(releaseTopic), release)).toEqual(upTo(20))
  })

  it('is behind by what has no place in the feed yet, too', async () => {
    await world.open()
    await world.tell(subject('release'), 3)
    await world.database.pool.query('update events set feed_seq = null where seq > 1')
    const lag = (await world.lags()).find(({ topic }) => topic === releaseTopic)
    expect(lag).toMatchObject({ events: 3, since: expect.any(Number) })
    await world.database.pool.query('update events set feed_seq = null')
    expect((await world.lags()).find(({ topic }) => topic === releaseTopic)).toEqual(lag)
  })

  it('sends what is too large together in parts, and an event that is too large by itself without its data', async () => {
    await world.open()
    const release = subject('release')
    broker.maxBytes = 1_000
    await world.tell(release, 5, { data: { note: 'x'.repeat(300) } })
    await world.tell(release, 1, { data: { note: 'x'.repeat(3_000) } })
    await world.tell(release, 1)
    world.work()
    await world.untilCaughtUp()
    const events = eventsOf(broker.taken(releaseTopic))
    expect(events.map(({ sequence }) => Number(sequence))).toEqual(upTo(7))
    expect(events.map(({ data }) => data !== undefined)).toEqual([true, true, true, true, true, false, true])
    expect(events[5]?.dataref).toBe(`/api/v1/helm/releases/${release.id}/events`)
  })

  it('whose worker stops while the broker hangs gives the topic back; another worker sends it', async () => {
    const asked: AbortSignal[] = []
    const hanging: Publish = (_topic, _messages, signal) => {
      asked.push(signal)
      return new Promise((resolve) =>
        signal.addEventListener('abort', () => resolve({ kind: 'failed', why: 'ended' }), { once: true }),
      )
    }
    await world.close()
    let publish = hanging
    world = await openWorld((...given) => publish(...given))
    await world.open()
    const release = subject('release')
    await world.tell(release, 3)
    const stopping = new AbortController()
    const worker = world.work(stopping.signal)
    await expect.poll(() => asked.length, { timeout: 30_000 }).toBe(1)
    stopping.abort()
    await worker.stop()
    const { rows } = await sql`select failures, retry_at from relays where topic = ${releaseTopic}`.execute(
      world.database.db,
    )
    expect(rows).toEqual([{ failures: 0, retry_at: null }])
    publish = broker.publish
    world.work()
    await world.untilCaughtUp()
    expect(firstsOf(broker.taken(releaseTopic), release)).toEqual([1, 2, 3])
  })

  it('wakes nobody where there are none', async () => {
    await world.tell(subject('release'), 1)
    expect((await sql`select from work`.execute(world.database.db)).rows).toEqual([])
    expect(await world.lags()).toEqual([])
  })
})
