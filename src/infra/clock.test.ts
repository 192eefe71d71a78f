import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from './clock.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Whether a sleep has ended, as time goes on. */
function sleeping(ms: number, signal?: AbortSignal) {
  const seen = { ended: false }
  void systemClock.sleep(ms, signal).then(() => {
    seen.ended = true
  })
  return seen
}

describe('a sleep', () => {
  it('ends after its time, and not before', async () => {
    const sleep = sleeping(50)
    await vi.advanceTimersByTimeAsync(49)
    expect(sleep.ended).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(sleep.ended).toBe(true)
  })

  it('may be longer than a timer can wait', async () => {
    const sleep = sleeping(2 ** 31 + 10)
    await vi.advanceTimersByTimeAsync(2 ** 31)
    expect(sleep.ended).toBe(false)
    await vi.advanceTimersByTimeAsync(10)
    expect(sleep.ended).toBe(true)
  })

  it('ends with its signal, and then keeps no timer', async () => {
    const stop = new AbortController()
    const sleep = sleeping(2 ** 31 + 10, stop.signal)
    stop.abort()
    await vi.advanceTimersByTimeAsync(0)
    expect([sleep.ended, vi.getTimerCount()]).toEqual([true, 0])
  })

  it('leaves nothing at a signal that goes on', async () => {
    const { signal } = new AbortController()
    const [added, removed] = [vi.spyOn(signal, 'addEventListener'), vi.spyOn(signal, 'removeEventListener')]
    sleeping(5, signal)
    await vi.advanceTimersByTimeAsync(5)
    expect(removed.mock.calls).toEqual(added.mock.calls.map(([type, listener]) => [type, listener]))
  })

  it('does not begin with a signal that is over', async () => {
    const sleep = sleeping(1_000, AbortSignal.abort())
    await vi.advanceTimersByTimeAsync(0)
    expect([sleep.ended, vi.getTimerCount()]).toEqual([true, 0])
  })
})
