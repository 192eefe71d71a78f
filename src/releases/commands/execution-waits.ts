import type { Waiting } from '../../core/decision.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Executions } from '../ports.ts'
import type { ReleaseListing } from '../store/lists.ts'
import type { OperationListing } from '../store/operations.ts'

/** What the execution waits for that has the release or gave the operation; absent where it was not asked for. */
export type ExecutionWait = { readonly execution_wait?: Waiting | null }

type Waits = Pick<Executions, 'waits'>

/** Releases, with what the executions wait for that hold them: a claim tells the execution only. */
export function releasesWaiting<Row extends Pick<ReleaseListing, 'claimed_by_execution'>>(
  executions: Waits,
  rows: readonly Row[],
): Promise<readonly (Row & ExecutionWait)[]> {
  return withWaits(executions, rows, (row) => row.claimed_by_execution)
}

/** The same of operations that executions have given and that have not ended. */
export function operationsWaiting<Row extends Pick<OperationListing, 'execution_id' | 'ended_at'>>(
  executions: Waits,
  rows: readonly Row[],
): Promise<readonly (Row & ExecutionWait)[]> {
  return withWaits(executions, rows, (row) => (row.ended_at === null ? row.execution_id : null))
}

async function withWaits<Row>(executions: Waits, rows: readonly Row[], executionOf: (row: Row) => Uuid | null) {
  const ids = [...new Set(rows.flatMap((row) => executionOf(row) ?? []))]
  if (ids.length === 0) return rows
  const waits = await executions.waits(ids)
  return rows.map((row) => ({ ...row, execution_wait: waits.get(executionOf(row) ?? '') ?? null }))
}
