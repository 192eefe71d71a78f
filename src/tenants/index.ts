import type { Principal, Uuid } from '../core/subject.ts'
import { transaction } from '../infra/database/pool.ts'
import type { Db, Tx } from '../infra/database/types.ts'
import type { FeatureRoutes } from '../infra/http/route.ts'
import { type InstallPlace, lookAtPlace, placeInstall } from './commands/place-install.ts'
import type { OperationOutcomes, TenantDeps } from './deps.ts'
import { keyRoutes } from './routes/keys.ts'
import { platformRoutes } from './routes/platform.ts'
import { tenantRoutes } from './routes/tenants.ts'
import { namespaceOwner } from './store/namespaces.ts'
import { findTenant, type Tenant } from './store/tenants.ts'

export { type AdminKeySource, ensureAdminKey } from './admin-key.ts'
export { type AuditFact, recordAudit } from './audit.ts'
export { keyAuthenticator } from './authenticate.ts'
export { isJwt, tokenAuthenticator } from './authenticate-token.ts'
export type { InstallPlace } from './commands/place-install.ts'
export { registerClusters } from './commands/register-clusters.ts'
export { actionsOf, mayDo, maySee } from './core/permissions.ts'
export { noSuchTenant } from './core/placement.ts'
export type { Caller, KubeContexts, OnDone, OperationOutcomes, TenantDeps } from './deps.ts'
export { clusterIds } from './store/clusters.ts'
export type { Tenant } from './store/tenants.ts'

/** What the other features ask of tenants, each inside the caller's transaction. */
export type TenantPort = {
  /** Throws what `placeInstall` would throw now, and changes nothing. */
  requirePlace(db: Db, principal: Principal, tenantId: Uuid, namespace: string): Promise<void>
  /** Where an install of this caller goes; registers and claims for a platform admin (SPEC section 2). */
  placeInstall(tx: Tx, principal: Principal, tenantId: Uuid, namespace: string): Promise<InstallPlace>
  /** The owner of a namespace; null where nobody has claimed it. */
  ownerOf(tx: Tx, clusterId: Uuid, namespace: string): Promise<Uuid | null>
  /** True when there is such a tenant. */
  exists(db: Db, tenantId: Uuid): Promise<boolean>
  /** One tenant, or null. */
  read(db: Db, tenantId: Uuid): Promise<Tenant | null>
}

/** The port, on these tables. */
export function tenantPort(deps: TenantDeps): TenantPort {
  return {
    requirePlace: async (db, principal, tenantId, namespace) => {
      await transaction(db, (tx) => lookAtPlace(tx, deps, principal, tenantId, namespace))
    },
    placeInstall: (tx, principal, tenantId, namespace) => placeInstall(tx, deps, principal, tenantId, namespace),
    ownerOf: namespaceOwner,
    exists: async (db, tenantId) => (await findTenant(db, tenantId)) !== null,
    read: findTenant,
  }
}

/** Every route of tenants, keys, clusters and the audit log. */
export function routesOfTenants(deps: TenantDeps, outcomes: OperationOutcomes): FeatureRoutes {
  return [...tenantRoutes(deps), ...keyRoutes(deps), ...platformRoutes(deps, outcomes)]
}
