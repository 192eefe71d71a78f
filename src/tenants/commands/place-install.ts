import type { Principal, Uuid } from '../../core/subject.ts'
import type { Tx } from '../../infra/database/types.ts'
import { recordAudit } from '../audit.ts'
import { maySee } from '../core/permissions.ts'
import { decidePlacement, noSuchTenant, notOwned, type Placement } from '../core/placement.ts'
import type { TenantDeps } from '../deps.ts'
import { claimNamespace, namespaceOwner } from '../store/namespaces.ts'
import { findTenant, insertTenant, type Tenant } from '../store/tenants.ts'
import { currentCluster } from './register-tenant.ts'

/** Where an install goes. */
export type InstallPlace = { readonly tenantId: Uuid; readonly clusterId: Uuid; readonly namespace: string }

/**
 * The place of an install (SPEC section 2), inside the caller's transaction: with it, the tenant is registered and the
 * namespace claimed where a platform admin asks for new ones, or neither. Creating the namespace in the cluster is the
 * install's own first step. Throws `not_found`, `namespace_not_owned`.
 */
export async function placeInstall(
  tx: Tx,
  deps: TenantDeps,
  principal: Principal,
  tenantId: Uuid,
  namespace: string,
): Promise<InstallPlace> {
  const { clusterId, register, claim } = await lookAtPlace(tx, deps, principal, tenantId, namespace)
  if (register && !(await registerByInstall(tx, deps, principal, tenantId, clusterId)))
    return placeInstall(tx, deps, principal, tenantId, namespace)
  if (claim) await claimForInstall(tx, deps, principal, { tenantId, clusterId, namespace })
  return { tenantId, clusterId, namespace }
}

/** What an install there needs first, as things are now. Throws what `placeInstall` does, and writes nothing. */
export async function lookAtPlace(
  tx: Tx,
  deps: TenantDeps,
  principal: Principal,
  tenantId: Uuid,
  namespace: string,
): Promise<Placement & { readonly clusterId: Uuid }> {
  if (!maySee(principal, tenantId)) throw noSuchTenant(tenantId)
  const tenant = await findTenant(tx, tenantId)
  const clusterId = tenant?.clusterId ?? (await currentCluster(tx, deps)).id
  const owner = await namespaceOwner(tx, clusterId, namespace)
  const question = { principal, tenantId, registered: tenant !== null, namespace, owner, own: deps.ownNamespaces }
  return { ...decidePlacement(question), clusterId }
}

/** False when somebody else has registered the tenant at the same time: then it is there, with a cluster of its own. */
async function registerByInstall(
  tx: Tx,
  deps: TenantDeps,
  principal: Principal,
  tenantId: Uuid,
  clusterId: Uuid,
): Promise<boolean> {
  const tenant: Omit<Tenant, 'namespaces'> = {
    id: tenantId,
    name: tenantId,
    clusterId,
    platformVersion: null,
    createdAt: deps.clock.now(),
  }
  if (!(await insertTenant(tx, tenant))) return false
  await recordAudit(tx, deps, { principal, action: 'tenant.registered', subject: `tenant/${tenantId}`, tenantId })
  return true
}

async function claimForInstall(
  tx: Tx,
  deps: TenantDeps,
  principal: Principal,
  { tenantId, clusterId, namespace }: InstallPlace,
): Promise<void> {
  const { owner, claimed } = await claimNamespace(tx, { clusterId, name: namespace, tenantId, at: deps.clock.now() })
  if (owner !== tenantId) throw notOwned(namespace, tenantId)
  if (claimed)
    await recordAudit(tx, deps, { principal, action: 'namespace.claimed', subject: `namespace/${namespace}`, tenantId })
}
