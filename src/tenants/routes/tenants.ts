import { z } from 'zod'
import type { Place } from '../../infra/database/ordered.ts'
import { sendList } from '../../infra/http/page.ts'
import { pageQuery, querySort, queryText } from '../../infra/http/query.ts'
import { type FeatureRoutes, route } from '../../infra/http/route.ts'
import { idParams } from '../../infra/http/schemas.ts'
import { registerTenant } from '../commands/register-tenant.ts'
import { maySee } from '../core/permissions.ts'
import { noSuchTenant } from '../core/placement.ts'
import type { TenantDeps } from '../deps.ts'
import { countTenants, findTenant, listTenants, placeOfTenant, tenantOrders } from '../store/tenants.ts'
import { newTenant, tenant } from './schemas.ts'
import { presentTenant } from './views.ts'

/** Tenants: registered, listed, read. */
export function tenantRoutes(deps: TenantDeps): FeatureRoutes {
  return [postTenant(deps), getTenants(deps), getTenant(deps)]
}

const postTenant = (deps: TenantDeps) =>
  route({
    method: 'POST',
    url: '/api/v1/tenants',
    operationId: 'registerTenant',
    tags: ['tenants'],
    summary: 'Register a tenant and claim its namespaces',
    permission: { scope: 'platform', action: 'tenant.write' },
    schema: {
      body: newTenant,
      responses: { 201: { description: 'The tenant', schema: tenant, headers: { Location: 'Where it is read' } } },
    },
    handler: async ({ body, principal, reply, idempotency }) => {
      const { reason, ...wanted } = body
      const headers = (id: string) => ({ location: `/api/v1/tenants/${id}` })
      const made = await registerTenant(deps, { principal, reason }, wanted, (tx, result) =>
        idempotency.complete(tx, { status: 201, headers: headers(result.id), body: presentTenant(result) }),
      )
      reply.code(201).headers(headers(made.id))
      return presentTenant(made)
    },
  })

const getTenants = (deps: TenantDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/tenants',
    operationId: 'listTenants',
    tags: ['tenants'],
    summary: 'Tenants, newest first; others than admins see their own',
    permission: { scope: 'tenant', action: 'tenant.read' },
    schema: {
      query: z.strictObject({
        ...pageQuery,
        q: queryText().optional().describe('Part of the name.'),
        sort: querySort(tenantOrders, 'newest first'),
      }),
      responses: { 200: { description: 'Tenants', schema: z.array(tenant) } },
    },
    handler: (call) => {
      const { q, sort: order = '-createdAt' } = call.query
      const filter = { scope: call.principal.tenants, q }
      return sendList(call, {
        rows: (after: Place | null, limit) => listTenants(deps.db, filter, { after, limit, order }),
        position: (row) => placeOfTenant(order, row),
        present: presentTenant,
        total: () => countTenants(deps.db, filter),
      })
    },
  })

const getTenant = (deps: TenantDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/tenants/:id',
    operationId: 'getTenant',
    tags: ['tenants'],
    summary: 'One tenant',
    permission: { scope: 'tenant', action: 'tenant.read' },
    schema: { params: idParams, responses: { 200: { description: 'The tenant', schema: tenant } } },
    handler: async ({ params, principal }) => {
      const found = maySee(principal, params.id) ? await findTenant(deps.db, params.id) : null
      if (!found) throw noSuchTenant(params.id)
      return presentTenant(found)
    },
  })
