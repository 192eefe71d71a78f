import { type RawBuilder, sql } from 'kysely'
import type { DomainEvent } from '../../core/events.ts'
import type { Instant } from '../../core/instant.ts'
import type { Tx } from '../../infra/database/types.ts'
import { type Recording, record } from '../../infra/events/events.ts'
import type { Batch } from '../batch/core.ts'
import type { Release } from '../core/model.ts'

/** Appends events of a release under its row lock, with the next sequence numbers. */
export async function recordRelease(
  tx: Tx,
  release: Pick<Release, 'id' | 'tenantId'>,
  events: readonly DomainEvent[],
  at: Instant,
): Promise<void> {
  const counting = sql`update releases set seq = seq + ${events.length} where id = ${release.id} returning seq`
  await record(tx, ofRelease(release, counting, at), events)
}

/** Whose the events of a release are; `counting` as `Recording` has it. */
export function ofRelease(
  { id, tenantId }: Pick<Release, 'id' | 'tenantId'>,
  counting: RawBuilder<unknown>,
  at: Instant,
): Recording {
  return { subject: { kind: 'release', id }, tenantId, counting, at }
}

/** The same for a batch. What is told of one over several tenants may be seen by whoever asked for it. */
export async function recordBatch(tx: Tx, batch: Batch, events: readonly DomainEvent[], at: Instant): Promise<void> {
  const counting = sql`update operations set seq = seq + ${events.length} where id = ${batch.id} returning seq`
  await record(tx, ofBatch(batch, counting, at), events)
}

/** Whose the events of a batch are; `counting` as `Recording` has it. */
export function ofBatch({ id, tenantId, principalId }: Batch, counting: RawBuilder<unknown>, at: Instant): Recording {
  return { subject: { kind: 'batch', id }, tenantId, principalId, counting, at }
}
