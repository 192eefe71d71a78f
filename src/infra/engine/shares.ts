import { sql } from 'kysely'
import type { Uuid } from '../../core/subject.ts'

/** Whose part of the slots work takes: a tenant's, by its id, or the fleet's. */
export type Share = Uuid

/** The share of what belongs to no tenant: batches over several tenants, clusters. */
export const fleetShare: Share = '00000000-0000-0000-0000-000000000000'

/** As much of a share as there is: the greatest `int` of the database. */
export const unbounded = 2 ** 31 - 1

/** What a worker holds of one share. */
export type Served = { readonly share: Share; readonly held: number }

/** Shares that are remembered although nothing of theirs is held; a forgotten one is served as one that is new. */
const mostRemembered = 200

/** In which order shares were served, and how much is held of each, by one pool of one worker. */
export class Turns {
  readonly #held = new Map<Share, number>()

  /** Work of a share was taken: it goes to the end of the line. */
  took(share: Share): void {
    const held = this.#held.get(share) ?? 0
    this.#held.delete(share)
    this.#held.set(share, held + 1)
    this.#forget()
  }

  /** Work of a share is over, which changes nothing in the line. */
  gaveBack(share: Share): void {
    this.#held.set(share, (this.#held.get(share) ?? 1) - 1)
  }

  /** The longest not served first. */
  served(): readonly Served[] {
    return [...this.#held].map(([share, held]) => ({ share, held }))
  }

  #forget(): void {
    if (this.#held.size <= mostRemembered) return
    for (const [share, held] of this.#held) {
      if (held === 0) return void this.#held.delete(share)
    }
  }
}

/** A duration for a statement. */
export function interval(ms: number) {
  return sql`(${ms}::float8 * interval '1 millisecond')`
}
