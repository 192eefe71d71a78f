/**
 * So many slots for everybody, and so many of them at most for one share. Who waits gets its turn round robin over the
 * shares, and within its share in order.
 */
export class FairSlots {
  readonly #most: number
  readonly #mostOfShare: number
  readonly #held = new Map<string, number>()
  /** In the order of their turns: a share that was served goes to the end. */
  readonly #waiting = new Map<string, (() => void)[]>()
  #used = 0

  constructor(most: number, mostOfShare: number) {
    this.#most = most
    this.#mostOfShare = mostOfShare
  }

  /** Resolves when the turn has come; `leave` must follow. */
  enter(share: string): Promise<void> {
    const turn = Promise.withResolvers<void>()
    const queue = this.#waiting.get(share)
    if (queue === undefined) this.#waiting.set(share, [turn.resolve])
    else queue.push(turn.resolve)
    this.#serve()
    return turn.promise
  }

  leave(share: string): void {
    this.#used -= 1
    const held = (this.#held.get(share) ?? 1) - 1
    if (held === 0) this.#held.delete(share)
    else this.#held.set(share, held)
    this.#serve()
  }

  #serve(): void {
    while (this.#used < this.#most) {
      const next = [...this.#waiting].find(([share]) => this.#heldOf(share) < this.#mostOfShare)
      if (next === undefined) return
      this.#begin(...next)
    }
  }

  #begin(share: string, queue: (() => void)[]): void {
    const begin = queue.shift()
    this.#waiting.delete(share)
    if (queue.length > 0) this.#waiting.set(share, queue)
    this.#used += 1
    this.#held.set(share, this.#heldOf(share) + 1)
    begin?.()
  }

  #heldOf(share: string): number {
    return this.#held.get(share) ?? 0
  }
}
