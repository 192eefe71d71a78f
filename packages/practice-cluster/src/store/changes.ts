import type { Change, Listener } from './types.ts'

/** Hands each change to every listener, in order, also when a listener causes the next one. */
export class ChangeFeed {
  readonly #listeners = new Set<Listener>()
  readonly #pending: Change[] = []
  readonly #onError: (error: unknown) => void
  #delivering = false

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  publish(change: Change): void {
    this.#pending.push(change)
    if (this.#delivering) return
    this.#delivering = true
    for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) this.#deliver(next)
    this.#delivering = false
  }

  #deliver(change: Change): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(change)
      } catch (error) {
        this.#onError(error)
      }
    }
  }
}
