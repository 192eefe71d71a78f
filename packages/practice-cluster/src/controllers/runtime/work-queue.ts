import { type Clock, LONGEST_DELAY_MS } from './clock.ts'

/** What handling a key asks for next: to be handled again after a while, or only when something changes. */
export type Outcome = { readonly requeueAfterMs?: number | undefined }

/** How long one turn may take before requests get theirs. */
const TURN_MS = 8

/**
 * Keys that wait to be handled, each at most once, in the order in which they came. Nothing runs while nothing waits.
 * A key whose handling throws comes back later, with a growing delay.
 */
export class WorkQueue {
  readonly #clock: Clock
  readonly #handle: (key: string) => Outcome
  readonly #onError: (key: string, error: unknown) => void
  readonly #waiting = new Set<string>()
  readonly #timers = new Map<string, () => void>()
  readonly #failures = new Map<string, number>()
  #turn: (() => void) | undefined
  #stopped = false

  constructor(clock: Clock, handle: (key: string) => Outcome, onError: (key: string, error: unknown) => void) {
    this.#clock = clock
    this.#handle = handle
    this.#onError = onError
  }

  add(key: string): void {
    if (this.#stopped) return
    this.#waiting.add(key)
    this.#turn ??= this.#clock.after(0, () => this.#run())
  }

  stop(): void {
    this.#stopped = true
    this.#turn?.()
    for (const cancel of this.#timers.values()) cancel()
    this.#timers.clear()
    this.#waiting.clear()
  }

  #run(): void {
    this.#turn = undefined
    const end = this.#clock.now() + TURN_MS
    for (const key of this.#waiting) {
      this.#waiting.delete(key)
      this.#wakeAfter(key, this.#outcome(key))
      if (this.#clock.now() >= end) break
    }
    if (this.#waiting.size > 0 && !this.#stopped) this.#turn ??= this.#clock.after(0, () => this.#run())
  }

  #outcome(key: string): number | undefined {
    try {
      const { requeueAfterMs } = this.#handle(key)
      this.#failures.delete(key)
      return requeueAfterMs
    } catch (error) {
      this.#onError(key, error)
      const failures = (this.#failures.get(key) ?? 0) + 1
      this.#failures.set(key, failures)
      return Math.min(30_000, 50 * 2 ** Math.min(failures, 12))
    }
  }

  /** A key has one timer: each handling decides anew when it wants to be woken. */
  #wakeAfter(key: string, ms: number | undefined): void {
    this.#timers.get(key)?.()
    this.#timers.delete(key)
    if (ms === undefined || this.#stopped) return
    const cancel = this.#clock.after(Math.min(Math.max(ms, 1), LONGEST_DELAY_MS), () => {
      this.#timers.delete(key)
      this.add(key)
    })
    this.#timers.set(key, cancel)
  }
}
