import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Bucket, RateLimit, takeOne } from './rate-limit.ts'

test('in any window of time a caller gets at most its rate and one bucket more', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 300 })
  fc.assert(
    fc.property(gaps, fc.integer({ min: 1, max: 50 }), (waits, perSecond) => {
      let bucket: Bucket | undefined
      let now = 0
      let passed = 0
      for (const wait of waits) {
        now += wait
        const taken = takeOne(bucket, perSecond, now)
        bucket = taken.bucket
        if (taken.waitSeconds === 0) passed++
      }
      expect(passed).toBeLessThanOrEqual(perSecond + (now / 1000) * perSecond + 1e-6)
    }),
  )
})

test('who waits as told gets through; others are not touched', () => {
  let now = 0
  const limit = new RateLimit(2, { now: () => now, sleep: async () => undefined })
  limit.take('a')
  limit.take('a')
  expect(() => limit.take('a')).toThrow(
    expect.objectContaining({ code: 'too_many_requests', extra: { retryAfterSeconds: 1 } }),
  )
  limit.take('b')
  now += 1000
  limit.take('a')
})

test('no limit is no limit', () => {
  const limit = new RateLimit(null, { now: () => 0, sleep: async () => undefined })
  for (let i = 0; i < 1000; i++) limit.take('a')
})
