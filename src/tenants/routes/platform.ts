import { z } from 'zod'
import type { Newest } from '../../infra/database/newest.ts'
import { sendList } from '../../infra/http/page.ts'
import { pageQuery, queryText } from '../../infra/http/query.ts'
import { type FeatureRoutes, route } from '../../infra/http/route.ts'
import { uuid } from '../../infra/http/schemas.ts'
import { actionsOf } from '../core/permissions.ts'
import type { TenantDeps } from '../deps.ts'
import { listAudit } from '../store/audit.ts'
import { listClusters } from '../store/clusters.ts'
import { listTenants } from '../store/tenants.ts'
import { auditEntry, cluster, me } from './schemas.ts'
import { presentAudit } from './views.ts'

/** Clusters, the caller itself, and the audit log. */
export function platformRoutes(deps: TenantDeps): FeatureRoutes {
  return [getMe(deps), getClusters(deps), getAudit(deps)]
}

const getMe = (deps: TenantDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/me',
    operationId: 'getMe',
    tags: ['access'],
    summary: 'Who calls: role, tenants, what it may do',
    permission: { scope: 'tenant', action: 'self.read' },
    schema: { responses: { 200: { description: 'The caller', schema: me } } },
    handler: async ({ principal }) => {
      const allTenants = principal.tenants === 'all'
      const own = allTenants ? [] : await listTenants(deps.db, { scope: principal.tenants }, null, 10_000)
      return {
        id: principal.id,
        name: principal.name,
        role: principal.role,
        allTenants,
        tenants: own.map(({ id, name }) => ({ id, name })),
        commands: [...actionsOf(principal.role)],
      }
    },
  })

const getClusters = (deps: TenantDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/clusters',
    operationId: 'listClusters',
    tags: ['tenants'],
    summary: 'Clusters by name; others than admins see those of their tenants',
    permission: { scope: 'tenant', action: 'cluster.read' },
    schema: { responses: { 200: { description: 'Clusters', schema: z.array(cluster) } } },
    handler: async ({ principal }) => {
      const clusters = await listClusters(deps.db, principal.tenants)
      return clusters.map((each) => ({ ...each, current: each.context === deps.contexts.current }))
    },
  })

const getAudit = (deps: TenantDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/audit',
    operationId: 'listAudit',
    tags: ['access'],
    summary: 'Who did what, newest first',
    permission: { scope: 'platform', action: 'audit.read' },
    schema: {
      query: z.strictObject({
        ...pageQuery,
        tenantId: uuid.optional(),
        action: queryText(100).optional(),
        performedBy: queryText(200).optional(),
      }),
      responses: { 200: { description: 'Audit entries', schema: z.array(auditEntry) } },
    },
    handler: (call) => {
      const { limit: _, cursor: __, ...filter } = call.query
      return sendList(call, {
        rows: (after: Newest | null, limit) => listAudit(deps.db, filter, after, limit),
        position: (row): Newest => [row.at, row.id],
        present: presentAudit,
      })
    },
  })
