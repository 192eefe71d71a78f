/** Wakes one waiting loop. A nudge while nobody waits is kept for the next wait; several are one. */
export type Nudge = {
  now(): void
  /** Resolves on a nudge or after `ms` milliseconds. True when it was a nudge. */
  wait(ms: number): Promise<boolean>
}

/** Makes a nudge that nobody has given yet. */
export function createNudge(): Nudge {
  let kept = false
  let waiting: ((nudged: boolean) => void) | null = null
  return {
    now() {
      if (waiting === null) kept = true
      else waiting(true)
    },
    wait(ms) {
      if (kept) {
        kept = false
        return Promise.resolve(true)
      }
      return new Promise((resolve) => {
        const timer = setTimeout(() => waiting?.(false), ms)
        waiting = (nudged) => {
          waiting = null
          clearTimeout(timer)
          resolve(nudged)
        }
      })
    },
  }
}
