/** A cache bounded by weight: what was not used for the longest time goes first. */
export class Lru<V> {
  readonly #entries = new Map<string, V>()
  readonly #limit: number
  readonly #weigh: (value: V) => number
  #weight = 0

  constructor(limit: number, weigh: (value: V) => number = () => 1) {
    this.#limit = limit
    this.#weigh = weigh
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  /** Keeps a value, unless it alone is heavier than the whole cache may be. */
  set(key: string, value: V): void {
    this.#drop(key)
    const weight = this.#weigh(value)
    if (weight > this.#limit) return
    this.#entries.set(key, value)
    this.#weight += weight
    for (const oldest of this.#entries.keys()) {
      if (this.#weight <= this.#limit) return
      this.#drop(oldest)
    }
  }

  #drop(key: string): void {
    const value = this.#entries.get(key)
    if (value === undefined) return
    this.#entries.delete(key)
    this.#weight -= this.#weigh(value)
  }
}
