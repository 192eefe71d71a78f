import type { RawBuilder } from 'kysely'
import type { Db } from './types.ts'

/** How many rows go in a transaction: none is locked for long. */
const atOnce = 10_000

/** Deletes so many at most in a transaction, until there are no more. */
export async function inParts(db: Db, deleteSome: (limit: number) => RawBuilder<unknown>): Promise<void> {
  for (;;) {
    const { numAffectedRows = 0n } = await deleteSome(atOnce).execute(db)
    if (numAffectedRows < atOnce) return
  }
}
