import type { Clock } from '../../core/instant.ts'
import type { Db } from '../database/types.ts'
import type { Log } from '../log.ts'
import type { AttemptEnd } from './attempts.ts'

/** What a drive works with, and the acts in it. */
export type DriveContext = {
  readonly db: Db
  readonly clock: Clock
  readonly log: Log
  /** Records how an attempt ended; throws `LeaseLost`. */
  readonly closeAttempt: (end: AttemptEnd) => Promise<void>
  /** Aborted when the worker stops: no further act is begun. */
  readonly draining: AbortSignal
}
