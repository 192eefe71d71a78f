import type { Config } from '../config.ts'
import type { Clock } from '../core/instant.ts'
import type { Uuid } from '../core/subject.ts'
import type { Db } from '../infra/database/types.ts'
import type { Authenticate, Authorize } from '../infra/http/auth.ts'
import type { FeatureRoutes } from '../infra/http/route.ts'
import type { Log } from '../infra/log.ts'
import { tokenVerifier } from '../infra/oidc/index.ts'
import { operationOutcomes } from '../releases/index.ts'
import {
  type AdminKeySource,
  clusterIds,
  ensureAdminKey,
  isJwt,
  type KubeContexts,
  keyAuthenticator,
  mayDo,
  registerClusters,
  routesOfTenants,
  type TenantPort,
  tenantPort,
  tokenAuthenticator,
} from '../tenants/index.ts'

export type TenantParts = {
  readonly config: Config
  readonly db: Db
  readonly clock: Clock
  readonly newId: () => Uuid
  readonly contexts: KubeContexts
  readonly log: Log
}

export type OpenTenants = {
  readonly adminKey: AdminKeySource
  /** The id of each context of the kubeconfig, by its name. */
  readonly clusters: ReadonlyMap<string, Uuid>
  readonly authenticate: Authenticate
  readonly authorize: Authorize
  readonly port: TenantPort
  readonly routes: FeatureRoutes
}

/** Where Flotilla itself may run: nobody claims it for a tenant. */
const ownNamespaces = ['flotilla', 'flotilla-system']

/** Joins the tenants feature: keys, roles, tenants, namespaces, and the clusters of the kubeconfig. */
export async function openTenants({ config, db, clock, newId, contexts, log }: TenantParts): Promise<OpenTenants> {
  const deps = { db, clock, newId, contexts, ownNamespaces }
  await registerClusters(deps)
  const adminKey = await ensureAdminKey({ db, clock }, { preset: config.adminKey, home: config.home })
  return {
    adminKey,
    clusters: await clusterIds(db, contexts.names),
    authenticate: authenticator({ config, db, clock, log }),
    authorize: mayDo,
    port: tenantPort(deps),
    routes: routesOfTenants(deps, operationOutcomes),
  }
}

/** API keys, and where an issuer is configured its tokens too. */
function authenticator({ config, db, clock, log }: Pick<TenantParts, 'config' | 'db' | 'clock' | 'log'>): Authenticate {
  const byKey = keyAuthenticator({ db, clock, log })
  if (config.oidc === null) return byKey
  const byToken = tokenAuthenticator(tokenVerifier(config.oidc, clock))
  return (token) => (isJwt(token) ? byToken(token) : byKey(token))
}
