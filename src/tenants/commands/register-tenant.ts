import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import { transaction } from '../../infra/database/pool.ts'
import type { Tx } from '../../infra/database/types.ts'
import { recordAudit } from '../audit.ts'
import { refuseReserved } from '../core/placement.ts'
import type { Caller, OnDone, TenantDeps } from '../deps.ts'
import { type Cluster, findCluster, findClusterByContext } from '../store/clusters.ts'
import { claimNamespace } from '../store/namespaces.ts'
import { insertTenant, type Tenant } from '../store/tenants.ts'

export type NewTenant = {
  readonly id?: Uuid | undefined
  readonly name: string
  readonly clusterId?: Uuid | undefined
  readonly namespaces: readonly string[]
  readonly platformVersion?: string | undefined
}

/**
 * Registers a tenant with its namespaces. Throws `conflict` for an id that is taken, `not_found` for an unknown
 * cluster, `namespace_reserved`, `namespace_taken`; nothing is written then.
 */
export async function registerTenant(
  deps: TenantDeps,
  { principal, reason }: Caller,
  wanted: NewTenant,
  onDone: OnDone<Tenant>,
): Promise<Tenant> {
  return transaction(deps.db, async (tx) => {
    const cluster =
      wanted.clusterId === undefined ? await currentCluster(tx, deps) : await clusterById(tx, wanted.clusterId)
    const tenant: Tenant = {
      id: wanted.id ?? deps.newId(),
      name: wanted.name,
      clusterId: cluster.id,
      namespaces: [...new Set(wanted.namespaces)].sort(),
      platformVersion: wanted.platformVersion ?? null,
      createdAt: deps.clock.now(),
    }
    if (!(await insertTenant(tx, tenant))) throw new Problem('conflict', `There is a tenant ${tenant.id} already`)
    for (const namespace of tenant.namespaces) await claim(tx, deps, tenant, namespace)
    const fact = { principal, reason, action: 'tenant.registered', subject: `tenant/${tenant.id}`, tenantId: tenant.id }
    await recordAudit(tx, deps, fact)
    await onDone(tx, tenant)
    return tenant
  })
}

async function claim(tx: Tx, deps: TenantDeps, tenant: Tenant, name: string): Promise<void> {
  refuseReserved(name, deps.ownNamespaces)
  const at = deps.clock.now()
  const { owner } = await claimNamespace(tx, { clusterId: tenant.clusterId, name, tenantId: tenant.id, at })
  if (owner !== tenant.id) throw new Problem('namespace_taken', `The namespace ${name} belongs to another tenant`)
}

/** The cluster that a tenant gets when none is named: that of the current context (SPEC section 2). */
export async function currentCluster(tx: Tx, deps: TenantDeps): Promise<Cluster> {
  const cluster = await findClusterByContext(tx, deps.contexts.current)
  if (!cluster) throw new Problem('cluster_unavailable', 'The current context of the kubeconfig is not registered')
  return cluster
}

async function clusterById(tx: Tx, id: Uuid): Promise<Cluster> {
  const cluster = await findCluster(tx, id)
  if (!cluster) throw new Problem('not_found', `There is no cluster ${id}`)
  return cluster
}
