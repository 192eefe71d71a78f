import type { Clock, Instant } from '../../../core/instant.ts'

export type Rate = { readonly perSecond: number; readonly burst: number }

/** A token bucket that makes requests wait in order, and never refuses one. */
export class Bucket {
  readonly #rate: Rate
  readonly #clock: Clock
  /** When the bucket is full again. */
  #fullAt: Instant = 0

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate
    this.#clock = clock
  }

  /** Resolves when the request may go, at once while the bucket is not empty, or when the signal is aborted. */
  async take(signal: AbortSignal): Promise<void> {
    const wait = this.#reserve(this.#clock.now())
    if (wait > 0) await this.#clock.sleep(wait, signal)
  }

  #reserve(now: Instant): number {
    const interval = 1000 / this.#rate.perSecond
    this.#fullAt = Math.max(this.#fullAt, now) + interval
    return this.#fullAt - now - interval * this.#rate.burst
  }
}
