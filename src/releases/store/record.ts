import { sql } from 'kysely'
import type { DomainEvent } from '../../core/events.ts'
import type { Instant } from '../../core/instant.ts'
import type { Tx } from '../../infra/database/types.ts'
import { record } from '../../infra/events/events.ts'
import type { Batch } from '../batch/core.ts'
import type { ReleaseState } from '../core/model.ts'

/** Appends events of a release under its row lock, with the next sequence numbers. */
export async function recordRelease(
  tx: Tx,
  { release }: ReleaseState,
  events: readonly DomainEvent[],
  at: Instant,
): Promise<void> {
  const { id, tenantId } = release
  const counting = sql`update releases set seq = seq + ${events.length} where id = ${id} returning seq`
  await record(tx, { subject: { kind: 'release', id }, tenantId, counting, at }, events)
}

/** The same for a batch. What is told of one over several tenants may be seen by whoever asked for it. */
export async function recordBatch(
  tx: Tx,
  { id, tenantId, principalId }: Batch,
  events: readonly DomainEvent[],
  at: Instant,
): Promise<void> {
  const counting = sql`update operations set seq = seq + ${events.length} where id = ${id} returning seq`
  await record(tx, { subject: { kind: 'batch', id }, tenantId, principalId, counting, at }, events)
}
