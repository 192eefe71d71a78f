import { wasRefused } from './pool.ts'
import { inBatches, type ReadMany } from './read-batches.ts'

/**
 * Gathers single writes, as `inBatches` gathers reads: what comes while others are being written is written together with
 * what else has come by then, in one statement and with one commit. When PostgreSQL refuses the whole because of one of
 * them, each is written `alone`. Throws what else goes wrong: nobody knows then whether it was written.
 *
 * A write that the statement does not answer for gets undefined.
 */
export function writesInBatches<W, R>(
  writeMany: ReadMany<W, R>,
  alone: (write: W, refused: unknown) => Promise<R>,
): (write: W) => Promise<R | undefined> {
  const written = inBatches(writeMany)
  return async (write) => {
    try {
      return await written(write)
    } catch (error) {
      if (!wasRefused(error)) throw error
      return alone(write, error)
    }
  }
}
