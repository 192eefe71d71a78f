import type { AbortSignalLike, Clock, Instant } from '../../../core/instant.ts'

type Sleeper = { readonly until: Instant; readonly wake: () => void }

/** A clock that stands still until a test moves it. */
export class VirtualClock implements Clock {
  #now: Instant
  readonly #sleepers = new Set<Sleeper>()

  constructor(start: Instant = 1_800_000_000_000) {
    this.#now = start
  }

  now(): Instant {
    return this.#now
  }

  sleep(ms: number, signal?: AbortSignalLike): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(sleeper)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const sleeper: Sleeper = { until: this.#now + ms, wake }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', wake, { once: true })
    })
  }

  /** Everything that is not waiting for time happens first; then time goes to the next sleeper. False: nobody sleeps. */
  async step(): Promise<boolean> {
    await settle()
    const next = [...this.#sleepers].sort((a, b) => a.until - b.until)[0]
    if (next === undefined) return false
    this.#now = Math.max(this.#now, next.until)
    next.wake()
    await settle()
    return true
  }

  /** Moves time on by so much, waking each sleeper in its turn. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settle()
    for (let next = this.#due(end); next !== undefined; next = this.#due(end)) {
      this.#now = Math.max(this.#now, next.until)
      next.wake()
      await settle()
    }
    this.#now = end
  }

  #due(end: Instant): Sleeper | undefined {
    return [...this.#sleepers].filter(({ until }) => until <= end).sort((a, b) => a.until - b.until)[0]
  }
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}
