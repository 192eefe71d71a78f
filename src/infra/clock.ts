import type { AbortSignalLike, Clock } from '../core/instant.ts'

/** The longest that a timer of Node can wait: a longer one would fire at once. */
const longestTimerMs = 2 ** 31 - 1

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    for (let left = ms; left > 0 && signal?.aborted !== true; left -= longestTimerMs) {
      await timer(Math.min(left, longestTimerMs), signal)
    }
  },
}

/** Most sleeps are limits that are ended early: no error is made for that, as Node's own promises of timers do. */
function timer(ms: number, signal: AbortSignalLike | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(running)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const running = setTimeout(end, ms)
    signal?.addEventListener('abort', end, { once: true })
  })
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
