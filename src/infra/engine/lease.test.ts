import { afterEach, describe, expect, it, vi } from 'vitest'
import { cautiousStopwatch } from '../clock.ts'
import { holdLease } from './lease.ts'

const subject = { kind: 'release', id: '00000000-0000-4000-8000-000000000000' } as const

describe('holdLease', () => {
  let now = 0
  const hold = () => {
    now = 100
    return holdLease({ subject, epoch: 1n, wanted: 1, from: 90, leaseMs: 1_000 }, () => now)
  }
  afterEach(() => vi.useRealTimers())

  it('counts from before it was asked for', () => {
    expect(hold().remainingMs()).toBe(990)
  })

  it('is over at once after a stop that outlasted it, before any timer has run', () => {
    const lease = hold()
    now += 990
    expect(lease.remainingMs()).toBe(0)
  })

  it('is over for good: a renewal that was under way does not bring it back', () => {
    const lease = hold()
    now += 990
    lease.renewed(now)
    expect(lease.remainingMs()).toBe(0)
    expect(lease.signal.aborted).toBe(true)
  })

  it('lasts longer when renewed, and a late answer does not shorten it', () => {
    const lease = hold()
    now += 500
    lease.renewed(now - 10)
    lease.renewed(now - 200)
    expect(lease.remainingMs()).toBe(990)
  })

  it('aborts its signal when it ends', () => {
    vi.useFakeTimers()
    const lease = hold()
    now += 1_000
    vi.advanceTimersByTime(1_000)
    expect(lease.signal.reason).toMatchObject({ why: 'lease-lost' })
  })

  it('stays ours when it is handed over', () => {
    const lease = hold()
    lease.handOver()
    expect(lease.signal.reason).toMatchObject({ why: 'shutdown' })
    expect(lease.remainingMs()).toBe(990)
  })

  it('tells of each wake once', () => {
    const lease = hold()
    const seen: number[] = []
    const off = lease.onWanted((wanted) => seen.push(wanted))
    for (const wanted of [1, 2, 2, 3]) lease.sawWanted(wanted)
    off()
    lease.sawWanted(4)
    expect(seen).toEqual([2, 3])
  })
})

describe('cautiousStopwatch', () => {
  it('counts a suspension that the monotonic clock slept through, and no step back of the wall clock', () => {
    let monotonic = 0
    let wall = 1_000_000
    const stopwatch = cautiousStopwatch(
      () => monotonic,
      () => wall,
    )
    wall += 60_000
    expect(stopwatch()).toBe(60_000)
    monotonic += 10
    wall -= 5_000
    expect(stopwatch()).toBe(60_010)
  })
})
