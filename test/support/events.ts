import { sql } from 'kysely'
import type { JsonObject } from '../../src/core/json.ts'
import type { Subject, Uuid } from '../../src/core/subject.ts'
import { transaction } from '../../src/infra/database/pool.ts'
import type { Db } from '../../src/infra/database/types.ts'
import { record } from '../../src/infra/events/events.ts'
import { numberEvents, type OnNumbered } from '../../src/infra/events/numbering.ts'

/** What is told, `count` times. */
export type Telling = {
  readonly subject: Subject
  readonly tenantId: Uuid | null
  readonly count: number
  readonly type?: string
  readonly data?: JsonObject
}

/** Writes events of subjects, numbers each on from what was written of it, and gives them their places. */
export function createTeller(db: Db, onNumbered: OnNumbered): (telling: Telling) => Promise<void> {
  const written = new Map<Uuid, number>()
  return async ({ subject, tenantId, count, type = 'release.changed', data = {} }) => {
    const last = (written.get(subject.id) ?? 0) + count
    written.set(subject.id, last)
    const counting = sql`select ${last}::bigint as seq`
    const events = Array.from({ length: count }, () => ({ type, data }))
    await transaction(db, (tx) => record(tx, { subject, tenantId, counting, at: Date.now() }, events))
    while ((await numberEvents(db, onNumbered)) !== 'none') {}
  }
}
