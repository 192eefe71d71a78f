/** Where controllers and pods get their time from, so that tests can run in virtual time. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `fn` once after `ms` milliseconds, in a later turn also for 0; returns how to call it off. */
  after(ms: number, fn: () => void): () => void
}

/** The longest delay that a timer of Node can hold; a longer one would fire at once. */
export const LONGEST_DELAY_MS = 2 ** 31 - 1

/** The machine's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, fn) {
    if (ms <= 0) {
      const immediate = setImmediate(fn)
      return () => clearImmediate(immediate)
    }
    const timer = setTimeout(fn, Math.min(ms, LONGEST_DELAY_MS)).unref()
    return () => clearTimeout(timer)
  },
}
