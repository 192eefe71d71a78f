import type { Clock, Instant } from '../../../core/instant.ts'

/** A whole answer, kept. */
export type CachedAnswer = { readonly status: number; readonly contentType: string; readonly body: Buffer }
type Entry = { readonly at: Instant; readonly answer: Promise<CachedAnswer> }

export type CacheLimits = {
  readonly ttlMs: number
  /** The same for who has had the document before. */
  readonly againMs: number
  readonly entries: number
  readonly bytes: number
}

/** For so long after a cluster's kinds have changed, whoever asks again is told the newest. */
const unsettledMs = 60_000

/**
 * Keeps discovery and OpenAPI documents for a short while; who asks at the same time shares one request.
 * Only complete 200s stay, and none above `bytes`.
 *
 * Who asks again may have met a kind that it does not know. But helm 4 asks for the same documents four times in every
 * run, within some 20 ms: what is only a moment old is new enough, unless kinds have just been made through here.
 */
export class DiscoveryCache {
  readonly #limits: CacheLimits
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  #changedAt: Instant = Number.NEGATIVE_INFINITY

  constructor(limits: CacheLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  /** `again`: who asks has had the document before. */
  get(key: string, again: boolean, load: () => Promise<CachedAnswer>): Promise<CachedAnswer> {
    const now = this.#clock.now()
    const known = this.#entries.get(key)
    if (known !== undefined && (known.at === now || now - known.at < this.#keptMs(again, now))) return known.answer
    const entry: Entry = { at: now, answer: load() }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    this.#dropOldest()
    this.#forgetUnlessGood(key, entry)
    return entry.answer
  }

  /** Forgets what is known of one cluster: its kinds have changed, and may go on changing until they are established. */
  forget(prefix: string): void {
    this.#changedAt = this.#clock.now()
    this.drop(prefix)
  }

  /** What is kept of one cluster is not served any more: whoever asks next is told what is true now. */
  drop(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key)
  }

  #keptMs(again: boolean, now: Instant): number {
    if (!again) return this.#limits.ttlMs
    return now - this.#changedAt < unsettledMs ? 0 : this.#limits.againMs
  }

  #forgetUnlessGood(key: string, entry: Entry): void {
    const forget = () => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key)
    }
    entry.answer.then(({ status, body }) => {
      if (status !== 200 || body.length > this.#limits.bytes) forget()
    }, forget)
  }

  #dropOldest(): void {
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > this.#limits.entries && oldest !== undefined) this.#entries.delete(oldest)
  }
}
