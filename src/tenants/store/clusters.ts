import type { Instant } from '../../core/instant.ts'
import type { Principal, Uuid } from '../../core/subject.ts'
import { fromInstant } from '../../infra/database/pool.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import { tables } from './tables.ts'

export type Cluster = { readonly id: Uuid; readonly name: string; readonly context: string }

/** Adds the clusters that are not known by their name yet. */
export async function insertClusters(tx: Tx, clusters: readonly Cluster[], at: Instant): Promise<void> {
  if (clusters.length === 0) return
  await tables(tx)
    .insertInto('clusters')
    .values(clusters.map((cluster) => ({ ...cluster, created_at: fromInstant(at) })))
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
}

/** All clusters, by name; for callers with tenants only those that their tenants are on. */
export async function listClusters(db: Db, scope: Principal['tenants']): Promise<readonly Cluster[]> {
  const all = tables(db).selectFrom('clusters').select(['id', 'name', 'context']).orderBy('name')
  if (scope === 'all') return all.execute()
  return all
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('tenants')
        .select('cluster_id')
        .where('tenants.id', 'in', scope.length > 0 ? [...scope] : [noTenant]),
    )
    .execute()
}

/** An id that no tenant has: `in ()` is no SQL. */
const noTenant = '00000000-0000-0000-0000-000000000000'

/** A cluster by its id, or null. */
export async function findCluster(db: Db | Tx, id: Uuid): Promise<Cluster | null> {
  const query = tables(db).selectFrom('clusters').select(['id', 'name', 'context'])
  return (await query.where('id', '=', id).executeTakeFirst()) ?? null
}

/** The cluster of a kubeconfig context, or null. */
export async function findClusterByContext(db: Db | Tx, context: string): Promise<Cluster | null> {
  const query = tables(db).selectFrom('clusters').select(['id', 'name', 'context'])
  return (await query.where('context', '=', context).executeTakeFirst()) ?? null
}

/** The ids of the clusters of these contexts, by context. */
export async function clusterIds(db: Db, contexts: readonly string[]): Promise<ReadonlyMap<string, Uuid>> {
  const rows = contexts.length === 0 ? [] : await listClusters(db, 'all')
  return new Map(rows.filter(({ context }) => contexts.includes(context)).map(({ context, id }) => [context, id]))
}
