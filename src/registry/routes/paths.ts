import { z } from 'zod'
import { malformed } from '../../core/problems.ts'
import type { Place } from '../../infra/database/ordered.ts'
import { sendList } from '../../infra/http/page.ts'
import { pageQuery, queryInteger, queryText } from '../../infra/http/query.ts'
import { type FeatureRoutes, route } from '../../infra/http/route.ts'
import { idParams, uuid } from '../../infra/http/schemas.ts'
import { maySee, noSuchTenant } from '../../tenants/index.ts'
import { createPath } from '../commands/create-path.ts'
import { routesBetween } from '../commands/find-routes.ts'
import { validatePath } from '../commands/validate-path.ts'
import { mostRoutes } from '../core/paths.ts'
import type { RegistryDeps } from '../deps.ts'
import { countPaths, listPaths, pathOrders, placeOfPath } from '../store/paths.ts'
import { reads, writes } from './components.ts'
import { newPath, path, pathQuestion, route as routeView, verdict } from './schemas.ts'
import { presentPath, presentRoute, presentVerdict } from './views.ts'

/** The upgrade graph: edges added and listed, routes searched, upgrades judged. */
export function pathRoutes(deps: RegistryDeps): FeatureRoutes {
  return [postPath(deps), getPaths(deps), getRoutes(deps), validate(deps)]
}

const postPath = (deps: RegistryDeps) =>
  route({
    method: 'POST',
    url: '/api/v1/registry/upgrade-paths',
    operationId: 'createUpgradePath',
    tags: ['registry'],
    summary: 'Add an edge to the upgrade graph: one step, from a version to a newer one of the same component',
    permission: writes,
    schema: { body: newPath, responses: { 201: { description: 'The edge', schema: path } } },
    handler: async ({ body, principal, reply, idempotency }) => {
      const { reason, ...wanted } = body
      const made = await createPath(deps, { principal, reason }, wanted, (tx, result) =>
        idempotency.complete(tx, { status: 201, body: presentPath(result) }),
      )
      reply.code(201)
      return presentPath(made)
    },
  })

const getPaths = (deps: RegistryDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/registry/upgrade-paths',
    operationId: 'listUpgradePaths',
    tags: ['registry'],
    summary: 'Edges of the upgrade graph, newest first',
    permission: reads,
    schema: {
      query: z.strictObject({
        ...pageQuery,
        componentId: uuid.optional(),
        fromVersionId: uuid.optional(),
        toVersionId: uuid.optional(),
        q: queryText().optional().describe('Part of either version or of the notes.'),
        sort: z.enum(pathOrders).optional().describe('`-` is descending; newest first unless told.'),
      }),
      responses: { 200: { description: 'Edges', schema: z.array(path) } },
    },
    handler: (call) => {
      const { limit: _, cursor: __, sort: order = '-createdAt', ...filter } = call.query
      return sendList(call, {
        rows: (after: Place | null, limit) => listPaths(deps.db, filter, { after, limit, order }),
        position: placeOfPath,
        present: presentPath,
        total: () => countPaths(deps.db, filter),
      })
    },
  })

const getRoutes = (deps: RegistryDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/registry/components/:id/upgrade-paths',
    operationId: 'findUpgradeRoutes',
    tags: ['registry'],
    summary: 'Routes between two versions of a component, best first: fewest steps, then risk, downtime, duration',
    description: `The best ${mostRoutes} at most; \`X-Total-Count\` says how many routes there are.`,
    permission: reads,
    schema: {
      params: idParams,
      query: z.strictObject({
        from: uuid.describe('The id of a version.'),
        to: uuid.describe('The id of a newer version.'),
        limit: queryInteger(1, mostRoutes).optional().describe(`How many of the best; ${mostRoutes} unless told.`),
      }),
      responses: {
        200: {
          description: 'Routes',
          schema: z.array(routeView),
          headers: { 'X-Total-Count': 'How many routes there are' },
        },
      },
    },
    handler: async ({ params, query, reply }) => {
      const { from: fromVersionId, to: toVersionId, limit = mostRoutes } = query
      if (fromVersionId === toVersionId) throw malformed('query/to', 'must be another version than from')
      const ends = { componentId: params.id, fromVersionId, toVersionId }
      const { routes, total } = await routesBetween(deps, ends, limit)
      reply.header('x-total-count', String(total))
      return routes.map(presentRoute)
    },
  })

const validate = (deps: RegistryDeps) =>
  route({
    method: 'POST',
    url: '/api/v1/registry/upgrade-paths/validate',
    operationId: 'validateUpgradePath',
    tags: ['registry'],
    summary: 'Whether an upgrade may be: what blocks it, what it warns of, and the best route',
    permission: { scope: 'tenant', action: 'registry.validate' },
    schema: { body: pathQuestion, responses: { 200: { description: 'The verdict', schema: verdict } } },
    handler: async ({ body, principal }) => {
      const { tenantId = null, ...question } = body
      if (tenantId !== null && !maySee(principal, tenantId)) throw noSuchTenant(tenantId)
      return presentVerdict(await validatePath(deps, deps.db, { ...question, tenantId }))
    },
  })
