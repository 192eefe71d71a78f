import type { Clock, Instant } from '../../core/instant.ts'
import { Problem } from '../../core/problems.ts'

/** What is left of a caller's allowance, and when that was so. */
export type Bucket = { readonly left: number; readonly at: Instant }

/**
 * A token bucket that fills by `perSecond` and holds as many: what is left after one more request, or how many seconds
 * until there is one.
 */
export function takeOne(
  bucket: Bucket | undefined,
  perSecond: number,
  now: Instant,
): { readonly bucket: Bucket; readonly waitSeconds: number } {
  const filled = bucket ? bucket.left + (Math.max(0, now - bucket.at) / 1000) * perSecond : perSecond
  const left = Math.min(perSecond, filled)
  if (left < 1) return { bucket: { left, at: now }, waitSeconds: Math.ceil((1 - left) / perSecond) }
  return { bucket: { left: left - 1, at: now }, waitSeconds: 0 }
}

const maxCallers = 10_000

/** Holds every caller to a rate (SECURITY.md: 50 requests a second). `null` is no limit. */
export class RateLimit {
  readonly #buckets = new Map<string, Bucket>()
  readonly #perSecond: number | null
  readonly #clock: Clock

  constructor(perSecond: number | null, clock: Clock) {
    this.#perSecond = perSecond
    this.#clock = clock
  }

  /** Counts a request. Throws `too_many_requests`, with when to try again. */
  take(callerId: string): void {
    if (this.#perSecond === null) return
    const { bucket, waitSeconds } = takeOne(this.#buckets.get(callerId), this.#perSecond, this.#clock.now())
    if (this.#buckets.size >= maxCallers) this.#buckets.clear()
    this.#buckets.set(callerId, bucket)
    if (waitSeconds > 0)
      throw new Problem('too_many_requests', `At most ${this.#perSecond} requests a second`, {
        extra: { retryAfterSeconds: waitSeconds },
      })
  }
}
