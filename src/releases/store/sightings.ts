import { sql } from 'kysely'
import type { Instant } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import type { ObservedRevision } from '../core/model.ts'
import { type Known, keyOf } from '../watch/sightings.ts'
import { tables } from './tables.ts'

/** How many instances of a release are ready now, as the watch of its cluster counts them. */
export type HealthSighting = {
  readonly namespace: string
  readonly release: string
  readonly health: { readonly ready: number; readonly total: number }
}

/**
 * Writes what is true now beside what the last operation did. It is no decision: no version is counted up, so that it
 * never makes one stale, and a later sighting simply replaces it.
 */
export async function recordHealth(
  db: Db,
  clusterId: Uuid,
  changes: readonly HealthSighting[],
  now: Instant,
): Promise<void> {
  const ordered = [...changes].sort((a, b) => (`${a.namespace}/${a.release}` < `${b.namespace}/${b.release}` ? -1 : 1))
  for (const { namespace, release, health } of ordered) {
    await tables(db as unknown as Tx)
      .updateTable('releases')
      .set({ health: JSON.stringify({ ...health, observedAt: now }) })
      .where('cluster_id', '=', clusterId)
      .where('namespace', '=', namespace)
      .where('name', '=', release)
      .where('status', '<>', 'UNINSTALLED')
      .execute()
  }
}

/** Its worker is at it. One that waits for its execution is not looked at often: another hand has to wake it. */
const working = sql<boolean>`current_operation_id is not null and not exists (
  select from operations o where o.id = current_operation_id and o.state->'phase'->>'name' = 'held')`

/** The releases of a cluster that are not uninstalled: all, or those of some namespaces and names. */
export async function knownReleases(
  db: Db,
  clusterId: Uuid,
  names: ReadonlySet<string> | null,
): Promise<readonly Known[]> {
  let query = tables(db as unknown as Tx)
    .selectFrom('releases')
    .select(['id', 'namespace', 'name', 'observed', 'revision', working.as('busy')])
    .where('cluster_id', '=', clusterId)
    .where('status', '<>', 'UNINSTALLED')
  if (names !== null)
    query = query.where(
      'name',
      'in',
      [...names].map((key) => key.slice(key.indexOf('/') + 1)),
    )
  const rows = await query.execute()
  return rows
    .filter((row) => names === null || names.has(keyOf(row)))
    .map((row) => ({
      id: row.id,
      namespace: row.namespace,
      name: row.name,
      observed: row.observed as ObservedRevision | null,
      busy: row.busy,
      neverThere: row.revision === 0,
    }))
}
