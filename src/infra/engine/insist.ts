import type { Clock } from '../../core/instant.ts'
import { LeaseLost } from './errors.ts'

const tries = 20
const pauseMs = 250

/**
 * Does something again for about five seconds until it works: what is known of an act must outlive a database that is
 * away for a moment. Only for what may be done twice, because the answer to a COMMIT can be lost. Throws the last
 * error, and `LeaseLost` at once.
 */
export async function insist<T>(clock: Clock, attempt: () => Promise<T>): Promise<T> {
  for (let left = tries; ; left--) {
    try {
      return await attempt()
    } catch (error) {
      if (error instanceof LeaseLost || left <= 1) throw error
      await clock.sleep(pauseMs)
    }
  }
}
