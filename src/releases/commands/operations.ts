import { isJsonObject, type Json } from '../../core/json.ts'
import type { ErrorCode } from '../../core/problems.ts'
import { Problem } from '../../core/problems.ts'
import type { Principal, Uuid } from '../../core/subject.ts'
import { transaction } from '../../infra/database/pool.ts'
import { executeIn } from '../../infra/engine/index.ts'
import { recordAudit } from '../../tenants/index.ts'
import type { BatchMachine, ReleaseDeps } from '../deps.ts'
import { keptForm, overwrittenView } from '../evidence.ts'
import { evidenceOf, keptOfOperation, type OperationListing, visibleOperation } from '../store/operations.ts'
import type { CommandCall } from './context.ts'
import { type ExecutionWait, operationsWaiting } from './execution-waits.ts'
import { readRelease } from './reads.ts'

/** One operation. Throws `Problem` not_found. */
export async function readOperation(
  deps: ReleaseDeps,
  principal: Principal,
  id: Uuid,
): Promise<OperationListing & ExecutionWait> {
  const row = await visibleOperation(deps.db, principal, id)
  if (row === null) throw new Problem('not_found', `there is no operation ${id}`)
  const [waiting = row] = await operationsWaiting(deps.ports.executions, [row])
  return waiting
}

/**
 * Why an operation failed, with the evidence, and what came of it, with what its rollback overwrote of other hands: for who
 * may read the operation itself, who is of its tenant. What is kept of one that runs is not read: callers poll it.
 */
export async function endWithEvidence(
  deps: ReleaseDeps,
  { id, error, result, ended_at }: OperationListing,
): Promise<{ readonly error: Json; readonly result: Json }> {
  if (ended_at === null) return { error, result }
  const kept = await keptOfOperation(deps.db, deps.vault, id)
  const told = overwrittenView(kept.overwritten)
  return {
    error: isJsonObject(error) ? { ...error, evidence: keptForm(kept) } : error,
    result: told.overwritten === undefined ? result : { ...(isJsonObject(result) ? result : {}), ...told },
  }
}

/** Asks for the end of an operation (SPEC section 1). Throws `Problem` not_found, not_cancellable. */
export async function cancelOperation(
  deps: ReleaseDeps,
  batches: BatchMachine,
  { principal, reason }: Pick<CommandCall, 'principal' | 'reason'>,
  id: Uuid,
): Promise<void> {
  const row = await readOperation(deps, principal, id)
  const fact = { principal, action: 'operation.cancel', subject: `operation/${id}`, tenantId: row.tenant_id }
  const now = deps.clock.now()
  await transaction(deps.db, async (tx) => {
    if (row.release_id === null) await executeIn(tx, batches, id, { command: { kind: 'cancel' }, now })
    else await executeIn(tx, deps.machine, row.release_id, { command: { kind: 'cancel', operationId: id }, now })
    await recordAudit(tx, deps, { ...fact, reason: reason ?? undefined })
  })
}

/**
 * The outcome of an operation that has ended, as the caller who waits for it gets it: its release, or a `Problem` with
 * `operationId`, the release as it now is, and the evidence (SPEC section 3, "Outcomes").
 */
export async function outcomeOf(deps: ReleaseDeps, principal: Principal, operationId: Uuid) {
  const row = await readOperation(deps, principal, operationId)
  if (row.release_id === null) throw new Error(`operation ${operationId} is of no release`)
  const release = await readRelease(deps, principal, row.release_id)
  if (row.status === 'SUCCEEDED') return release
  const error = errorOf(row)
  const evidence = await evidenceOf(deps.db, deps.vault, operationId)
  throw new Problem(error.code, error.detail, { extra: { operationId, release, evidence } })
}

function errorOf(row: OperationListing): { readonly code: ErrorCode; readonly detail: string } {
  const cancelled = { code: 'cancelled', detail: 'the operation was cancelled before it began' } as const
  return (row.error as { code: ErrorCode; detail: string } | null) ?? cancelled
}
