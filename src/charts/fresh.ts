import { type Clock, type Instant, seconds } from '../core/instant.ts'
import { Lru } from '../core/lru.ts'
import { SingleFlight } from './single-flight.ts'

/** For so long an answer is not asked for again: a batch asks for the same one hundreds of times. */
export const freshFor = seconds(10)

type Known<V> = { readonly value: V; readonly at: Instant }

/**
 * Answers by a key, each kept for ten seconds and asked for by one at a time. What failed is asked for again. All that is
 * kept weighs at most the limit, an answer 1 unless it is weighed.
 */
export class Fresh<V> {
  readonly #clock: Clock
  readonly #known: Lru<Known<V>>
  readonly #asking = new SingleFlight<V>()

  constructor(clock: Clock, limit = 1_000, weigh: (value: V) => number = () => 1) {
    this.#clock = clock
    this.#known = new Lru(limit, ({ value }) => weigh(value))
  }

  async get(key: string, ask: () => Promise<V>): Promise<V> {
    const before = this.#known.get(key)
    if (before !== undefined && this.#clock.now() - before.at < freshFor) return before.value
    return this.#asking.run(key, async () => {
      const value = await ask()
      this.#known.set(key, { value, at: this.#clock.now() })
      return value
    })
  }
}
