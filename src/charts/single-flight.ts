/** Runs a piece of work once for all who ask for it at the same time. */
export class SingleFlight<V> {
  readonly #running = new Map<string, Promise<V>>()

  run(key: string, work: () => Promise<V>): Promise<V> {
    const running = this.#running.get(key)
    if (running !== undefined) return running
    const started = work().finally(() => this.#running.delete(key))
    this.#running.set(key, started)
    return started
  }
}
