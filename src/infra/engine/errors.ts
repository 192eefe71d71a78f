import type { ActFailure, AttemptResult } from '../../core/decision.ts'

/** The lease is over and somebody else may be acting: nothing may be written any more. Ends the drive silently. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost'
}

/**
 * Thrown by an act that failed in a way it understands. `result` says what is known of the cluster: `unchanged` only
 * when that is a fact, `interrupted` when only an observation can tell.
 */
export class ActFailed extends Error {
  override readonly name = 'ActFailed'
  readonly result: Exclude<AttemptResult, 'done'>
  readonly failure: ActFailure

  constructor(result: Exclude<AttemptResult, 'done'>, failure: ActFailure) {
    super(failure.detail)
    this.result = result
    this.failure = failure
  }
}

/** Why the signal of an act was aborted: found as its `reason`. */
export class ActAborted extends Error {
  override readonly name = 'ActAborted'
  readonly why: 'deadline' | 'cancelled' | 'lease-lost' | 'shutdown'

  constructor(why: ActAborted['why']) {
    super(`The act was ended: ${why}`)
    this.why = why
  }
}

/** Why an act was ended; null where it was not, or not by the engine. */
export function whyAborted({ aborted, reason }: AbortSignal): ActAborted['why'] | null {
  return aborted && reason instanceof ActAborted ? reason.why : null
}

/** What the log says of an error: its words and where it was thrown, and nothing that a library has hung on it. */
export function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
