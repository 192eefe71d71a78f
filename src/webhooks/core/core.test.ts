import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideSink, deliveriesAtOnce } from './decide.ts'
import { afterTry, pauseAfter, pausedAfter, retryPolicy } from './retry.ts'

const sent = fc.oneof(
  fc.integer({ min: 100, max: 599 }).map((status) => ({ kind: 'answered', status }) as const),
  fc.constant({ kind: 'unanswered', why: 'ECONNREFUSED' } as const),
)
const chance = fc.double({ min: 0, max: 1, noNaN: true })

describe('a try', () => {
  test('ends a delivery by a 2xx alone, and otherwise after the last try', () => {
    fc.assert(
      fc.property(sent, fc.nat(40), chance, (what, attempts, chanced) => {
        const after = afterTry({ attempts, createdAt: 0 }, what, { now: 1_000, chance: chanced }, retryPolicy)
        const good = what.kind === 'answered' && Math.floor(what.status / 100) === 2
        const last = attempts + 1 >= retryPolicy.attempts
        expect(after.status).toBe(good ? 'DELIVERED' : last ? 'FAILED' : 'PENDING')
        expect(after.attempts).toBe(attempts + 1)
        expect(after.dueAt === null).toBe(after.status !== 'PENDING')
        expect(after.endedAt).toBe(after.status === 'PENDING' ? null : 1_000)
        expect(after.lastError === null).toBe(good)
      }),
    )
  })

  test('is followed by pauses that grow to the longest, never by none', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), chance, (attempts, chanced) => {
        const pause = pauseAfter(retryPolicy, attempts, chanced)
        const whole = Math.min(retryPolicy.firstMs * 2 ** (attempts - 1), retryPolicy.longestMs)
        expect(pause).toBeGreaterThanOrEqual(Math.floor(whole / 2))
        expect(pause).toBeLessThanOrEqual(whole)
      }),
    )
  })

  test('of what waited for too long is the last', () => {
    const late = { now: retryPolicy.longestAgeMs + 1, chance: 0 }
    expect(afterTry({ attempts: 0, createdAt: 0 }, { kind: 'answered', status: 500 }, late, retryPolicy)).toMatchObject(
      {
        status: 'FAILED',
      },
    )
  })

  test('that fails pauses the receiver for longer the longer it fails, within bounds', () => {
    const pauses = [0, 8_000, 80_000, 800_000].map((ms) => pausedAfter(retryPolicy, 0, ms) - ms)
    expect(pauses).toEqual([1_000, 2_000, 20_000, 60_000])
  })

  test('of a redirect says that it is not followed', () => {
    const after = afterTry(
      { attempts: 0, createdAt: 0 },
      { kind: 'answered', status: 302 },
      { now: 0, chance: 0 },
      retryPolicy,
    )
    expect(after).toMatchObject({ status: 'PENDING', lastStatus: 302, lastError: 'redirects are not followed' })
  })
})

describe('deciding', () => {
  const look = (due: readonly string[], nextDue: number | null, isFailing = false, pausedUntil: number | null = null) =>
    decideSink(
      { id: 'w', isFailing, pausedUntil },
      { kind: 'observed', observation: { due, nextDue }, attempt: null },
      100,
    )

  test('nothing is due: it rests until something is', () => {
    expect(look([], 500)).toMatchObject({ kind: 'next', act: null, wake: 500 })
    expect(look([], null)).toMatchObject({ kind: 'next', act: null, wake: null })
  })

  test('a receiver that failed is left alone for a while, whatever is due', () => {
    expect(look(['a'], null, true, 200)).toMatchObject({ act: null, wake: 200 })
    expect(look(['a'], null, true, 100)).toMatchObject({ act: { act: { deliveries: ['a'] } } })
  })

  test('what is due is delivered together; to a receiver that fails, one at a time', () => {
    const due = Array.from({ length: 20 }, (_, n) => String(n))
    expect(look(due, null)).toMatchObject({ act: { act: { deliveries: due.slice(0, deliveriesAtOnce) } }, wake: 100 })
    expect(look(due, null, true)).toMatchObject({ act: { act: { deliveries: ['0'] } } })
  })
})
