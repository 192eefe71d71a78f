import { sql } from 'kysely'
import type { DomainEvent } from '../../core/events.ts'
import type { Instant } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Tx } from '../../infra/database/types.ts'
import { record } from '../../infra/events/events.ts'
import type { Batch } from '../batch/core.ts'
import type { ReleaseState } from '../core/model.ts'
import { tables } from './tables.ts'

/** Appends events of a release under its row lock, with the next sequence numbers. */
export async function recordRelease(
  tx: Tx,
  { release }: ReleaseState,
  events: readonly DomainEvent[],
  at: Instant,
): Promise<void> {
  if (events.length === 0) return
  const row = await tables(tx)
    .updateTable('releases')
    .set({ seq: sql`seq + ${events.length}` })
    .where('id', '=', release.id)
    .returning('seq')
    .executeTakeFirstOrThrow()
  const subject = { kind: 'release', id: release.id } as const
  await record(tx, { subject, tenantId: release.tenantId, firstSeq: row.seq - events.length + 1, at }, events)
}

/** The same for a batch. Its events name no tenant: they count. */
export async function recordBatch(tx: Tx, batch: Batch, events: readonly DomainEvent[], at: Instant): Promise<void> {
  if (events.length === 0) return
  const last = await lastOfBatch(tx, batch.id, events.length)
  const subject = { kind: 'batch', id: batch.id } as const
  await record(tx, { subject, tenantId: null, firstSeq: last - events.length + 1, at }, events)
}

async function lastOfBatch(tx: Tx, id: Uuid, count: number): Promise<number> {
  const row = await tables(tx)
    .updateTable('operations')
    .set({ seq: sql`seq + ${count}` })
    .where('id', '=', id)
    .returning('seq')
    .executeTakeFirstOrThrow()
  return row.seq
}
