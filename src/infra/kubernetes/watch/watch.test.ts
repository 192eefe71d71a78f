import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { minutes, seconds } from '../../../core/instant.ts'
import { resources } from '../resources.ts'
import { FakeCollection, type Fault } from '../testing/fake-collection.ts'
import { settle, VirtualClock } from '../testing/virtual-clock.ts'
import type { KubeObject } from '../types.ts'
import type { WatchEvent } from './events.ts'
import { keyOf, Replica } from './replica.ts'
import { watchCollection } from './watch.ts'

let stops: AbortController[] = []
afterEach(() => {
  for (const stop of stops) stop.abort()
  stops = []
})

function setUp() {
  const clock = new VirtualClock()
  const server = new FakeCollection(clock)
  const replica = new Replica<KubeObject, string>(({ metadata }) => metadata.resourceVersion ?? '')
  const events: WatchEvent<KubeObject>['type'][] = []
  const stop = new AbortController()
  stops.push(stop)
  const start = (): Promise<void> => follow()
  async function follow(): Promise<void> {
    const spec = { transport: server.transport, resource: resources.secrets, selection: {}, metadataOnly: true }
    for await (const event of watchCollection({ ...spec, clock, random: () => 0.5, signal: stop.signal })) {
      events.push(event.type)
      replica.apply(event)
    }
  }
  const wanted = () =>
    Object.fromEntries([...server.objects.values()].map((o) => [keyOf(o), o.metadata.resourceVersion]))
  const seen = () => Object.fromEntries(replica.entries())
  return { clock, server, replica, events, stop, start, wanted, seen }
}

describe('list and watch', () => {
  test('tells the objects of now, then each change', async () => {
    const { clock, server, events, start, wanted, seen } = setUp()
    server.put('a')
    void start()
    await settle()
    expect(events).toEqual(['reset', 'upsert', 'synced'])
    server.put('b')
    server.remove('a')
    await clock.advance(0)
    expect(events.slice(3)).toEqual(['upsert', 'delete'])
    expect(seen()).toEqual(wanted())
  })

  test('lists by pages where the server knows no watch-list', async () => {
    const { clock, server, start, wanted, seen } = setUp()
    server.knowsWatchList = false
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) server.put(name)
    void start()
    await clock.advance(seconds(2))
    expect(seen()).toEqual(wanted())
    server.remove('c')
    await clock.advance(0)
    expect(seen()).toEqual(wanted())
  })

  test('goes on from the last version when the server ends the watch, without being stale', async () => {
    const { clock, server, events, start } = setUp()
    server.put('a')
    void start()
    await clock.advance(minutes(9))
    expect(events.filter((type) => type !== 'alive')).toEqual(['reset', 'upsert', 'synced'])
    expect(server.requests.length).toBeGreaterThanOrEqual(2)
  })

  test('tells every minute that nothing has changed, and not while the server is silent', async () => {
    const { clock, server, events, start } = setUp()
    void start()
    await clock.advance(minutes(4) + seconds(30))
    const told = events.filter((type) => type === 'alive').length
    expect(told).toBeGreaterThanOrEqual(4)
    server.fail({ kind: 'hang', after: 0 })
    await clock.advance(minutes(8))
    expect(events).toEqual(expect.arrayContaining(['stale', 'live']))
    const silent = events.slice(events.indexOf('stale'), events.indexOf('live'))
    expect(silent).not.toContain('alive')
  })

  test('lists all anew every ten minutes', async () => {
    const { clock, events, start } = setUp()
    void start()
    await clock.advance(minutes(35))
    expect(events.filter((type) => type === 'synced')).toHaveLength(4)
  })

  test('leaves a connection that is silent for 90 s', async () => {
    const { clock, server, events, start, wanted, seen } = setUp()
    server.fail({ kind: 'hang', after: 1 })
    void start()
    await clock.advance(seconds(80))
    server.put('a')
    await clock.advance(seconds(5))
    expect(seen()).toEqual({})
    await clock.advance(seconds(10))
    expect(events).toContain('stale')
    expect(events.at(-1)).toBe('upsert')
    expect(seen()).toEqual(wanted())
  })

  test('keeps what it knows while a list is broken', async () => {
    const { clock, server, start, seen } = setUp()
    server.put('a')
    server.put('b')
    void start()
    await settle()
    server.compact()
    server.fail({ kind: 'cut', after: 1, midLine: true }, { kind: 'refuse' })
    await clock.advance(seconds(299))
    expect(Object.keys(seen())).toEqual(['ns/a', 'ns/b'])
  })

  test('drops what went while nobody could tell', async () => {
    const { clock, server, events, start, wanted, seen } = setUp()
    for (const name of ['a', 'b', 'c']) server.put(name)
    void start()
    await settle()
    server.remove('b')
    server.compact()
    await clock.advance(seconds(5))
    expect(seen()).toEqual(wanted())
    expect(events.slice(4)).toEqual(['synced', 'stale', 'reset', 'upsert', 'upsert', 'synced', 'live'])
  })

  test('does not ask in a circle when the server refuses or ends everything at once', async () => {
    const { clock, server, start } = setUp()
    server.fail(...Array.from({ length: 500 }, (): Fault => ({ kind: 'status', status: 403 })))
    void start()
    await clock.advance(minutes(10))
    expect(server.requests.length).toBeLessThan(20)
    expect(server.requests.length).toBeGreaterThan(5)
  })

  test('ends when its signal does', async () => {
    const { stop, start } = setUp()
    const following = start()
    await settle()
    stop.abort()
    await expect(following).resolves.toBeUndefined()
  })
})

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.constant<Fault>({ kind: 'refuse' }),
  fc.constantFrom(410, 429, 500, 503).map((status): Fault => ({ kind: 'status', status })),
  fc.record({ kind: fc.constant('cut' as const), after: fc.nat(6), midLine: fc.boolean() }),
  fc.record({ kind: fc.constant('error-line' as const), after: fc.nat(6), code: fc.constantFrom(410, 500) }),
  fc.record({ kind: fc.constant('hang' as const), after: fc.nat(6) }),
  fc.record({ kind: fc.constant('delay' as const), ms: fc.nat(120_000) }),
  fc.record({ kind: fc.constant('replay' as const), after: fc.nat(6) }),
)
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('put' as const), name: fc.constantFrom('a', 'b', 'c', 'd', 'e') }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('remove' as const), name: fc.constantFrom('a', 'b', 'c', 'd', 'e') }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fail' as const), fault }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(200_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const) }) },
)

test('after any faults, what the stream told equals a fresh list', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), fc.boolean(), async (steps, knowsWatchList) => {
      const { clock, server, replica, events, start, wanted, seen, stop } = setUp()
      server.knowsWatchList = knowsWatchList
      const following = start()
      for (const now of steps) {
        if (now.do === 'put') server.put(now.name)
        else if (now.do === 'remove') server.remove(now.name)
        else if (now.do === 'compact') server.compact()
        else if (now.do === 'fail') server.fail(now.fault)
        else await clock.advance(now.ms)
      }
      // Faults wait in a line, one a request: the longest pause and the watchdog bound how long each can take.
      const faults = steps.filter((now) => now.do === 'fail').length
      await clock.advance(minutes(4) * (faults + 2))
      expect(replica.synced).toBe(true)
      expect(seen()).toEqual(wanted())
      const doubts = events.filter((type) => type === 'stale' || type === 'live')
      expect(doubts.at(-1) ?? 'live').toBe('live')
      stop.abort()
      await following
    }),
    { numRuns: 400 },
  )
})
