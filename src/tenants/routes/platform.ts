import { z } from 'zod'
import type { Uuid } from '../../core/subject.ts'
import { type Place, placeAt } from '../../infra/database/ordered.ts'
import { sendMemoryList } from '../../infra/http/memory-list.ts'
import { sendList } from '../../infra/http/page.ts'
import { pageQuery, querySort, queryText } from '../../infra/http/query.ts'
import { type FeatureRoutes, route } from '../../infra/http/route.ts'
import { uuid } from '../../infra/http/schemas.ts'
import { actionsOf, maySee } from '../core/permissions.ts'
import { noSuchTenant } from '../core/placement.ts'
import type { OperationOutcomes, TenantDeps } from '../deps.ts'
import { type AuditEntry, auditOrders, countAudit, listAudit } from '../store/audit.ts'
import { listClusters } from '../store/clusters.ts'
import { listTenants } from '../store/tenants.ts'
import { auditEntry, cluster, me } from './schemas.ts'
import { presentAudit } from './views.ts'

/** Of one caller: a key names at most 1000. */
const everyTenant = { after: null, limit: 10_000, order: '-createdAt' } as const

/** Clusters, the caller itself, and the audit log. */
export function platformRoutes(deps: TenantDeps, outcomes: OperationOutcomes): FeatureRoutes {
  return [getMe(deps), getClusters(deps), getAudit(deps, outcomes)]
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
      const own = allTenants ? [] : await listTenants(deps.db, { scope: principal.tenants }, everyTenant)
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
    schema: {
      query: z.strictObject({
        ...pageQuery,
        q: queryText().optional().describe('Part of the name or the context.'),
        sort: querySort(['name', '-name'], 'by name'),
      }),
      responses: { 200: { description: 'Clusters', schema: z.array(cluster) } },
    },
    handler: async (call) =>
      sendMemoryList(call, {
        rows: await listClusters(deps.db, call.principal.tenants),
        id: ({ id }) => id,
        orders: { name: ({ name }) => name, '-name': ({ name }) => name },
        order: call.query.sort ?? 'name',
        words: ({ name, context }) => [name, context],
        present: (each) => ({ ...each, current: each.context === deps.contexts.current }),
      }),
  })

const getAudit = (deps: TenantDeps, outcomes: OperationOutcomes) =>
  route({
    method: 'GET',
    url: '/api/v1/audit',
    operationId: 'listAudit',
    tags: ['access'],
    summary: 'Who did what, when, with which outcome, newest first',
    description:
      'What is done at once is `done`. A command that an operation carries out is `accepted`, and `succeeded`, `failed` ' +
      'or `cancelled` when the operation has ended; `operationId` names it. Others than admins read of their own tenants.',
    permission: { scope: 'platform', action: 'audit.read' },
    schema: {
      query: z.strictObject({
        ...pageQuery,
        tenantId: uuid.optional(),
        action: queryText(100).optional(),
        performedBy: queryText(200).optional(),
        q: queryText()
          .optional()
          .describe('Part of the action, of what it was done to, of who did it, or of the reason.'),
        sort: querySort(auditOrders, 'newest first'),
      }),
      responses: { 200: { description: 'Audit entries', schema: z.array(auditEntry) } },
    },
    handler: (call) => {
      const { limit: _, cursor: __, sort: order = '-at', ...asked } = call.query
      if (asked.tenantId !== undefined && !maySee(call.principal, asked.tenantId)) throw noSuchTenant(asked.tenantId)
      const filter = { ...asked, tenants: call.principal.tenants }
      return sendList(call, {
        total: () => countAudit(deps.db, filter),
        rows: async (after: Place | null, limit) =>
          withOutcomes(deps, outcomes, await listAudit(deps.db, filter, { after, limit, order })),
        position: ({ at, id }) => placeAt(at, id),
        present: presentAudit,
      })
    },
  })

/** The outcome of a command is that of its operation, once that has ended. */
async function withOutcomes(
  { db }: TenantDeps,
  outcomes: OperationOutcomes,
  entries: readonly AuditEntry[],
): Promise<readonly AuditEntry[]> {
  const ids = entries.flatMap(({ operationId }) => operationId ?? [])
  const ended = ids.length === 0 ? new Map<Uuid, string>() : await outcomes(db, ids)
  return entries.map((entry) => ({ ...entry, outcome: ended.get(entry.operationId ?? '') ?? entry.outcome }))
}
