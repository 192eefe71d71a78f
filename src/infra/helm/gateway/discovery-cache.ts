import type { Clock, Instant } from '../../../core/instant.ts'

/** A whole answer, kept. */
export type CachedAnswer = { readonly status: number; readonly contentType: string; readonly body: Buffer }
type Entry = { readonly at: Instant; readonly answer: Promise<CachedAnswer> }

export type CacheLimits = { readonly ttlMs: number; readonly entries: number; readonly bytes: number }

/**
 * Keeps discovery and OpenAPI documents for a short while; who asks at the same time shares one request.
 * Only complete 200s stay, and none above `bytes`.
 */
export class DiscoveryCache {
  readonly #limits: CacheLimits
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()

  constructor(limits: CacheLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  /** `fresh` asks anew, sharing only a request that is still under way from this very moment. */
  get(key: string, fresh: boolean, load: () => Promise<CachedAnswer>): Promise<CachedAnswer> {
    const now = this.#clock.now()
    const known = this.#entries.get(key)
    if (known !== undefined && (fresh ? known.at === now : now - known.at < this.#limits.ttlMs)) return known.answer
    const entry: Entry = { at: now, answer: load() }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    this.#dropOldest()
    this.#forgetUnlessGood(key, entry)
    return entry.answer
  }

  /** Forgets what is known of one cluster: its kinds have changed. */
  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key)
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
