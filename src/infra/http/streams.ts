import { Problem } from '../../core/problems.ts'

/** At most this many event streams a caller (SECURITY.md). */
const streamsPerCaller = 20

/** Counts the open event streams of each caller. */
export class Streams {
  readonly #open = new Map<string, number>()

  /** Takes a place; the caller gives it back with what is returned. Throws `too_many_requests` when all are taken. */
  take(principalId: string): () => void {
    const open = this.#open.get(principalId) ?? 0
    if (open >= streamsPerCaller)
      throw new Problem('too_many_requests', `At most ${streamsPerCaller} event streams a caller`, {
        extra: { retryAfterSeconds: 10 },
      })
    this.#open.set(principalId, open + 1)
    return () => this.#giveBack(principalId)
  }

  #giveBack(principalId: string): void {
    const left = (this.#open.get(principalId) ?? 1) - 1
    if (left > 0) this.#open.set(principalId, left)
    else this.#open.delete(principalId)
  }
}
