import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import { countWaiting, holdQueue } from '../store/waiting.ts'

/** So many operations of one tenant may wait to begin, and as many of no tenant (SECURITY.md, "Callers"). */
export const mostWaiting = 100

const retryAfterSeconds = 5

/** Throws `too_many_requests` when a further operation of the tenant would be refused: before work is done for it. */
export async function refuseFullQueue(db: Db, tenantId: Uuid | null): Promise<void> {
  if ((await countWaiting(db, tenantId)) >= mostWaiting) throw full(tenantId)
}

/**
 * The same at the end of the transaction that accepts the operation, which is counted already: so that it holds for any
 * number of callers at once. Takes the last lock of the transaction, so that it waits for nobody who could wait for it.
 */
export async function requireQueued(tx: Tx, tenantId: Uuid | null): Promise<void> {
  await holdQueue(tx, tenantId)
  if ((await countWaiting(tx, tenantId)) > mostWaiting) throw full(tenantId)
}

function full(tenantId: Uuid | null): Problem {
  const whose = tenantId === null ? 'over several tenants' : 'of a tenant'
  const detail = `at most ${mostWaiting} operations ${whose} wait to begin: try again when some have begun`
  return new Problem('too_many_requests', detail, { extra: { retryAfterSeconds } })
}
