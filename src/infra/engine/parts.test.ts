import { describe, expect, it } from 'vitest'
import { createNudge } from '../nudge.ts'
import { createBackoff } from './backoff.ts'
import { restUntil } from './drive.ts'
import { LeaseLost } from './errors.ts'
import { insist } from './insist.ts'
import { unbounded } from './shares.ts'
import { freeSlots, poolsOf } from './slots.ts'

describe('createBackoff', () => {
  it('doubles up to a minute, and starts anew after a success', () => {
    const backoff = createBackoff(1_000)
    const subject = { kind: 'release', id: 'x' } as const
    const pauses = Array.from({ length: 8 }, () => backoff.failed(subject))
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
    backoff.succeeded(subject)
    expect(backoff.failed(subject)).toBe(1_000)
  })
})

describe('restUntil', () => {
  it('does not let a decision that changed nothing be asked again at once', () => {
    expect(restUntil(1_000, false, 1_000)).toBe(1_200)
    expect(restUntil(5_000, false, 1_000)).toBe(5_000)
    expect(restUntil(1_000, true, 1_000)).toBe(1_000)
    expect(restUntil(null, false, 1_000)).toBeNull()
  })
})

describe('createNudge', () => {
  it('keeps a nudge for the next wait, once', async () => {
    const nudge = createNudge()
    nudge.now()
    nudge.now()
    expect(await nudge.wait(60_000)).toBe(true)
    expect(await nudge.wait(0)).toBe(false)
  })

  it('ends a wait', async () => {
    const nudge = createNudge()
    const waiting = nudge.wait(60_000)
    nudge.now()
    expect(await waiting).toBe(true)
  })
})

describe('poolsOf', () => {
  const pools = poolsOf(['release', 'cluster', 'batch'], { concurrency: 8, mostOfShare: 4 }, { cluster: 2 })

  it('gives a kind with a limit slots of its own', () => {
    expect(pools).toEqual([
      { kinds: ['release', 'batch'], size: 8, mostOfShare: 4 },
      { kinds: ['cluster'], size: 2, mostOfShare: unbounded },
    ])
  })

  it('counts what is held of the kinds of a pool', () => {
    const held = ['release', 'cluster', 'batch', 'cluster'] as const
    expect(pools.map((pool) => freeSlots(pool, held))).toEqual([6, 0])
  })
})

describe('insist', () => {
  const failing = (error: Error, times: number) => {
    let left = times
    return () => (left-- > 0 ? Promise.reject(error) : Promise.resolve(times))
  }
  const clock = { now: () => 0, sleep: async () => undefined }

  it('does it again until it works, but not for ever', async () => {
    expect(await insist(clock, failing(new Error('away'), 19))).toBe(19)
    await expect(insist(clock, failing(new Error('away'), 20))).rejects.toThrow('away')
  })

  it('ends at once when the lease is lost', async () => {
    await expect(insist(clock, failing(new LeaseLost('gone'), 1))).rejects.toThrow('gone')
  })
})
