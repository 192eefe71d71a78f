import { transaction } from '../../infra/database/pool.ts'
import type { TenantDeps } from '../deps.ts'
import { insertClusters } from '../store/clusters.ts'

/** Registers the contexts of the kubeconfig that are not known yet, by name. Run once at the start, before routes. */
export async function registerClusters(deps: TenantDeps): Promise<void> {
  const clusters = deps.contexts.names.map((name) => ({ id: deps.newId(), name, context: name }))
  await transaction(deps.db, (tx) => insertClusters(tx, clusters, deps.clock.now()))
}
