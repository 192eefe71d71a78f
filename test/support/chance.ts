/** A seeded source of chance (mulberry32): the same seed gives the same story, as far as timing allows. */
export class Chance {
  private state: number

  constructor(seed: number) {
    this.state = seed >>> 0
  }

  /** From 0 up to but not including 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let t = this.state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[Math.floor(this.next() * items.length)] ?? items[0]
  }
}

/** A source of chance for this run, whose seed is printed so that a failure can be repeated: `FLOTILLA_SEED`, or another each time. */
export function chanceOfRun(): Chance {
  const seed = Number(process.env.FLOTILLA_SEED ?? Date.now() % 2 ** 31)
  console.log(`FLOTILLA_SEED=${seed}`)
  return new Chance(seed)
}
