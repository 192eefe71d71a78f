import { expect, test } from 'vitest'
import { Bucket } from './bucket.ts'
import { type CachedAnswer, DiscoveryCache } from './discovery-cache.ts'

function setUp() {
  const time = { now: 1_000, slept: [] as number[] }
  const clock = {
    now: () => time.now,
    sleep: async (ms: number) => {
      time.slept.push(ms)
    },
  }
  const cache = new DiscoveryCache({ ttlMs: 100, againMs: 10, entries: 2, bytes: 10 }, clock)
  const loads: string[] = []
  const ask = (key: string, { again = false, status = 200, body = 'x' } = {}) =>
    cache.get(key, again, async (): Promise<CachedAnswer> => {
      loads.push(key)
      return { status, contentType: 'application/json', body: Buffer.from(body) }
    })
  return { time, clock, cache, loads, ask }
}

test('shares one request, and keeps the answer for its time', async () => {
  const { time, loads, ask } = setUp()
  await Promise.all([ask('a'), ask('a'), ask('a', { again: true })])
  time.now += 99
  await ask('a')
  expect(loads).toEqual(['a'])
  time.now += 1
  await ask('a')
  expect(loads).toEqual(['a', 'a'])
})

test('who asks again gets what is no older than a moment', async () => {
  const { time, loads, ask } = setUp()
  await ask('a')
  time.now += 9
  await ask('a', { again: true })
  expect(loads).toEqual(['a'])
  time.now += 1
  await ask('a', { again: true })
  expect(loads).toEqual(['a', 'a'])
})

test('who asks again after kinds have changed gets the newest, until they must be established', async () => {
  const { time, cache, loads, ask } = setUp()
  cache.forget('one ')
  await ask('one /apis')
  time.now += 1
  await ask('one /apis', { again: true })
  expect(loads).toHaveLength(2)
  time.now += 60_000
  await ask('one /apis')
  time.now += 1
  await ask('one /apis', { again: true })
  expect(loads).toHaveLength(3)
})

test('keeps no error, nothing large, and few', async () => {
  const { loads, ask } = setUp()
  await ask('error', { status: 503 })
  await ask('error')
  await ask('large', { body: 'x'.repeat(11) })
  await ask('large')
  expect(loads).toEqual(['error', 'error', 'large', 'large'])
  await ask('b')
  await ask('c')
  await ask('error')
  expect(loads.slice(4)).toEqual(['b', 'c', 'error'])
})

test('a failed request is not kept', async () => {
  const { cache, ask } = setUp()
  await expect(cache.get('a', false, () => Promise.reject(new Error('down')))).rejects.toThrow('down')
  expect((await ask('a')).status).toBe(200)
})

test('forgets one cluster', async () => {
  const { cache, loads, ask } = setUp()
  await ask('one /apis')
  await ask('two /apis')
  cache.forget('one ')
  await ask('one /apis')
  await ask('two /apis')
  expect(loads).toEqual(['one /apis', 'two /apis', 'one /apis'])
})

test('what is dropped is asked anew, and then kept as ever', async () => {
  const { cache, loads, ask } = setUp()
  await ask('one /apis')
  await ask('two /apis')
  cache.drop('one ')
  await ask('one /apis')
  await cache.get('one /apis', true, () => Promise.reject(new Error('it is kept')))
  await ask('two /apis')
  expect(loads).toEqual(['one /apis', 'two /apis', 'one /apis'])
})

test('a bucket lets its burst pass and then one an interval, in order', async () => {
  const { time, clock } = setUp()
  const bucket = new Bucket({ perSecond: 10, burst: 2 }, clock)
  const { signal } = new AbortController()
  for (let i = 0; i < 4; i++) await bucket.take(signal)
  expect(time.slept).toEqual([100, 200])
  time.now += 10_000
  await bucket.take(signal)
  expect(time.slept).toHaveLength(2)
})
