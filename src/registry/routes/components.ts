import { z } from 'zod'
import type { Place } from '../../infra/database/ordered.ts'
import { sendList } from '../../infra/http/page.ts'
import { pageQuery, queryText } from '../../infra/http/query.ts'
import { type FeatureRoutes, route } from '../../infra/http/route.ts'
import { idParams } from '../../infra/http/schemas.ts'
import { noSuchComponent } from '../commands/change.ts'
import { createComponent } from '../commands/create-component.ts'
import { updateComponent } from '../commands/update-component.ts'
import type { RegistryDeps } from '../deps.ts'
import {
  componentOrders,
  countComponents,
  findComponent,
  listComponents,
  placeOfComponent,
} from '../store/components.ts'
import { category, chartName, component, componentPatch, newComponent } from './schemas.ts'
import { presentComponent } from './views.ts'

/** Components: registered, listed, read, changed. */
export function componentRoutes(deps: RegistryDeps): FeatureRoutes {
  return [postComponent(deps), getComponents(deps), getComponent(deps), patchComponent(deps)]
}

/** Everybody may read the registry, which is of the platform; only platform admins write it (SPEC section 1). */
export const reads = { scope: 'platform', action: 'registry.read' } as const
export const writes = { scope: 'platform', action: 'registry.write' } as const

const postComponent = (deps: RegistryDeps) =>
  route({
    method: 'POST',
    url: '/api/v1/registry/components',
    operationId: 'createComponent',
    tags: ['registry'],
    summary: 'Register a component',
    permission: writes,
    schema: {
      body: newComponent,
      responses: {
        201: { description: 'The component', schema: component, headers: { Location: 'Where it is read' } },
      },
    },
    handler: async ({ body, principal, reply, idempotency }) => {
      const { reason, healthEndpoint = null, description = null, ...rest } = body
      const headers = (id: string) => ({ location: `/api/v1/registry/components/${id}` })
      const wanted = { ...rest, healthEndpoint, description }
      const made = await createComponent(deps, { principal, reason }, wanted, (tx, result) =>
        idempotency.complete(tx, { status: 201, headers: headers(result.id), body: presentComponent(result) }),
      )
      reply.code(201).headers(headers(made.id))
      return presentComponent(made)
    },
  })

const getComponents = (deps: RegistryDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/registry/components',
    operationId: 'listComponents',
    tags: ['registry'],
    summary: 'Components, newest first',
    permission: reads,
    schema: {
      query: z.strictObject({
        ...pageQuery,
        q: queryText().optional().describe('Part of the name, the category, the chart or the description.'),
        category: category.optional(),
        chartName: chartName.optional(),
        sort: z.enum(componentOrders).optional().describe('`-` is descending; newest first unless told.'),
      }),
      responses: { 200: { description: 'Components', schema: z.array(component) } },
    },
    handler: (call) => {
      const { limit: _, cursor: __, sort: order = '-createdAt', ...filter } = call.query
      return sendList(call, {
        rows: (after: Place | null, limit) => listComponents(deps.db, filter, { after, limit, order }),
        position: (row) => placeOfComponent(order, row),
        present: presentComponent,
        total: () => countComponents(deps.db, filter),
      })
    },
  })

const getComponent = (deps: RegistryDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/registry/components/:id',
    operationId: 'getComponent',
    tags: ['registry'],
    summary: 'One component',
    permission: reads,
    schema: { params: idParams, responses: { 200: { description: 'The component', schema: component } } },
    handler: async ({ params }) => {
      const found = await findComponent(deps.db, params.id)
      if (found === null) throw noSuchComponent(params.id)
      return presentComponent(found)
    },
  })

const patchComponent = (deps: RegistryDeps) =>
  route({
    method: 'PATCH',
    url: '/api/v1/registry/components/:id',
    operationId: 'updateComponent',
    tags: ['registry'],
    summary: 'Change fields of a component',
    permission: writes,
    schema: {
      params: idParams,
      body: componentPatch,
      responses: { 200: { description: 'The component as it now is', schema: component } },
    },
    handler: async ({ params, body, principal, idempotency }) => {
      const { reason, ...patch } = body
      const changed = await updateComponent(deps, { principal, reason }, params.id, patch, (tx, result) =>
        idempotency.complete(tx, { status: 200, body: presentComponent(result) }),
      )
      return presentComponent(changed)
    },
  })
