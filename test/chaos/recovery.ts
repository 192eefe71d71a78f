import { setTimeout as sleep } from 'node:timers/promises'
import type { DatabaseReader } from './database-reader.ts'
import type { FaultRecord } from './faults.ts'

export type RecoveryParts = {
  readonly database: DatabaseReader
  readonly record: FaultRecord
  readonly onTrouble: (what: string) => void
}

/** An operation that has not moved for so long is stuck: far beyond every lease, and longer than faults last. */
const stuckMs = 240_000

/**
 * Measures how long after a fault every operation that was open then has moved on: it has ended, or was decided about
 * again. How long it then takes is not the fault's doing: workloads that never become ready take their whole timeout.
 */
export async function measureRecovery({ database, record, onTrouble }: RecoveryParts): Promise<void> {
  const from = performance.now()
  const before = await openVersions(database)
  if (before.size === 0) return
  for (let left = [...before.keys()]; left.length > 0; ) {
    await sleep(100)
    const now = await openVersions(database)
    left = left.filter((id) => now.get(id) === before.get(id))
    if (performance.now() - from > stuckMs) return onTrouble(`operations ${left} have not moved for ${stuckMs} ms`)
  }
  record.recoveries.push(performance.now() - from)
}

/** The versions of the open operations. Reads until the database answers. */
async function openVersions(database: DatabaseReader): Promise<ReadonlyMap<string, number>> {
  for (;;) {
    const rows = await database.openVersions().catch(() => null)
    if (rows !== null) return new Map(rows.map(({ id, version }) => [id, version]))
    await sleep(100)
  }
}
