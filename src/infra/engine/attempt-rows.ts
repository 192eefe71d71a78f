import type { ActFailure, Attempt, AttemptResult, Baseline } from '../../core/decision.ts'
import { toInstant } from '../database/pool.ts'

/** A row of `attempts`. */
export type AttemptRow = {
  readonly seq: number
  readonly act: unknown
  readonly baseline: Baseline
  readonly epoch: number
  readonly started_at: Date
  readonly deadline: Date
  readonly ended_at: Date | null
  readonly result: AttemptResult | null
  readonly failure: ActFailure | null
}

/** An attempt as its row has it. */
export function toAttempt<A>(row: AttemptRow): Attempt<A> {
  return {
    seq: row.seq,
    act: row.act as A,
    baseline: row.baseline,
    epoch: BigInt(row.epoch),
    startedAt: toInstant(row.started_at),
    deadline: toInstant(row.deadline),
    endedAt: toInstant(row.ended_at),
    result: row.result,
    failure: row.failure,
  }
}
