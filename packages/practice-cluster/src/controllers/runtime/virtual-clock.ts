import type { Clock } from './clock.ts'

type Timer = { readonly at: number; readonly seq: number; readonly fn: () => void }

/** A clock for tests: time passes only when `advance` is called, and then every timer runs in its order. */
export class VirtualClock implements Clock {
  #now: number
  #seq = 0
  readonly #timers = new Map<number, Timer>()

  constructor(start = Date.parse('2026-01-01T00:00:00Z')) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  after(ms: number, fn: () => void): () => void {
    const seq = this.#seq++
    this.#timers.set(seq, { at: this.#now + Math.max(0, ms), seq, fn })
    return () => this.#timers.delete(seq)
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.#timers.size
  }

  /** Lets `ms` pass, and all that is due within it happen. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (let next = this.#due(end); next !== undefined; next = this.#due(end)) {
      this.#timers.delete(next.seq)
      this.#now = Math.max(this.#now, next.at)
      next.fn()
    }
    this.#now = end
  }

  #due(end: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers.values()) {
      if (timer.at > end) continue
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.seq < first.seq)) first = timer
    }
    return first
  }
}
