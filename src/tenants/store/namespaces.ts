import type { Instant } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import { fromInstant } from '../../infra/database/pool.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import { tables } from './tables.ts'

/** Who owns a namespace; null where nobody has claimed it. */
export async function namespaceOwner(db: Db | Tx, clusterId: Uuid, name: string): Promise<Uuid | null> {
  const row = await tables(db)
    .selectFrom('namespaces')
    .select('tenant_id')
    .where('cluster_id', '=', clusterId)
    .where('name', '=', name)
    .executeTakeFirst()
  return row?.tenant_id ?? null
}

/**
 * Claims a namespace for a tenant and gives its owner, be it another who was first; `claimed` when it was this call
 * that did it. Waits for another claim that is being committed.
 */
export async function claimNamespace(
  tx: Tx,
  claim: { readonly clusterId: Uuid; readonly name: string; readonly tenantId: Uuid; readonly at: Instant },
): Promise<{ readonly owner: Uuid | null; readonly claimed: boolean }> {
  const { numInsertedOrUpdatedRows } = await tables(tx)
    .insertInto('namespaces')
    .values({
      cluster_id: claim.clusterId,
      name: claim.name,
      tenant_id: claim.tenantId,
      created_at: fromInstant(claim.at),
    })
    .onConflict((conflict) => conflict.columns(['cluster_id', 'name']).doNothing())
    .executeTakeFirst()
  const owner = await namespaceOwner(tx, claim.clusterId, claim.name)
  return { owner, claimed: numInsertedOrUpdatedRows === 1n }
}
