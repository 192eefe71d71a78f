import { type Clock, type Instant, seconds } from '../core/instant.ts'
import { Lru } from '../core/lru.ts'
import { SingleFlight } from './single-flight.ts'

/** For so long an answer is not asked for again: a batch asks for the same one hundreds of times. */
export const freshFor = seconds(10)
const most = 1_000

/** Answers by a key, each kept for ten seconds and asked for by one at a time. What failed is asked for again. */
export class Fresh<V> {
  readonly #clock: Clock
  readonly #known = new Lru<{ readonly value: V; readonly at: Instant }>(most)
  readonly #asking = new SingleFlight<V>()

  constructor(clock: Clock) {
    this.#clock = clock
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
