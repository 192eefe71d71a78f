import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../core/instant.ts'

/** The longest that a timer of Node can wait: a longer one would fire at once. */
const longestTimerMs = 2 ** 31 - 1

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    if (signal?.aborted === true) return
    const controller = new AbortController()
    const abort = () => controller.abort()
    signal?.addEventListener('abort', abort, { once: true })
    for (let left = ms; left > 0 && !controller.signal.aborted; left -= longestTimerMs) {
      await sleep(Math.min(left, longestTimerMs), undefined, { signal: controller.signal }).catch(() => undefined)
    }
    signal?.removeEventListener('abort', abort)
  },
}

/** Milliseconds since some moment, never running backwards. */
export type Stopwatch = () => number

/**
 * A stopwatch that would rather say too much than too little, for leases. The monotonic clock stands still while the
 * machine is suspended, and the wall clock may be set back: each step counts what the one that went further says.
 */
export function cautiousStopwatch(monotonic: () => number, wall: () => number): Stopwatch {
  let total = 0
  let last = { monotonic: monotonic(), wall: wall() }
  return () => {
    const now = { monotonic: monotonic(), wall: wall() }
    total += Math.max(0, now.monotonic - last.monotonic, now.wall - last.wall)
    last = now
    return total
  }
}

/** The cautious stopwatch of this process. */
export const stopwatch: Stopwatch = cautiousStopwatch(
  () => performance.now(),
  () => Date.now(),
)
