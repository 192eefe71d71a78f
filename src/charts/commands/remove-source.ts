import type { Uuid } from '../../core/subject.ts'
import { transaction } from '../../infra/database/pool.ts'
import { type Caller, recordAudit } from '../../tenants/index.ts'
import { type ChangeSourceParts, subjectOf } from './add-source.ts'

/** Removes a chart source. Throws `not_found`. */
export async function removeSource(parts: ChangeSourceParts, { principal, reason }: Caller, id: Uuid): Promise<void> {
  await transaction(parts.db, async (tx) => {
    const removed = await parts.sources.remove(tx, id)
    await recordAudit(tx, parts, { principal, reason, action: 'chart-source.deleted', subject: subjectOf(removed) })
  })
}
