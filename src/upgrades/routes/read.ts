import { z } from 'zod'
import type { Principal } from '../../core/subject.ts'
import { type Place, placeAt } from '../../infra/database/ordered.ts'
import { answerEvents, eventQuery, eventResponses } from '../../infra/http/event-routes.ts'
import { type ListCall, sendList } from '../../infra/http/page.ts'
import { pageQuery, queryBoolean, querySort, queryText } from '../../infra/http/query.ts'
import { route } from '../../infra/http/route.ts'
import { uuid } from '../../infra/http/schemas.ts'
import { maySee, noSuchTenant } from '../../tenants/index.ts'
import { requireTenant, requireVisible, visibleExecution } from '../commands/context.ts'
import { readActive, readStatistics } from '../commands/reads.ts'
import {
  countExecutions,
  type ExecutionFilter,
  type ExecutionOrder,
  executionOrders,
  type ListedExecution,
  listExecutions,
} from '../store/queries.ts'
import { executionView, listedExecution as view } from '../views.ts'
import { executionParams, reads, tenantParams, type UpgradeRouteDeps } from './deps.ts'
import { execution, executionStatus, listedExecution, statistics } from './schemas.ts'

const filters = {
  ...pageQuery,
  status: executionStatus.optional(),
  componentId: uuid.optional(),
  rehearsal: queryBoolean().optional().describe('Only rehearsals, or none.'),
  attention: queryBoolean().optional().describe('What needs a person: paused, a canary to promote, or failed.'),
  q: queryText().optional().describe('Part of a version, the strategy, or who initiated it.'),
  sort: querySort(executionOrders, 'newest first'),
}
const executions = { 200: { description: 'Executions, without their instances', schema: z.array(listedExecution) } }

type Asked = Omit<ExecutionFilter, 'tenants'> & { readonly sort?: ExecutionOrder | undefined }

function sendExecutions(
  deps: UpgradeRouteDeps,
  call: ListCall & { readonly query: Asked },
  tenants: Principal['tenants'],
) {
  const { sort: order = '-createdAt', status, componentId, rehearsal, attention, q } = call.query
  const filter = { tenants, status, componentId, rehearsal, attention, q }
  return sendList(call, {
    total: () => countExecutions(deps.db, filter),
    rows: (after: Place | null, limit) => listExecutions(deps.db, filter, { after, limit, order }),
    position: ({ execution: { createdAt, id } }: ListedExecution) => placeAt(createdAt, id),
    present: view,
  })
}

export const listAll = (deps: UpgradeRouteDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/registry/upgrades',
    operationId: 'listUpgrades',
    tags: ['upgrades'],
    summary: 'Upgrade executions of all tenants that the caller may see, newest first',
    permission: reads,
    schema: { query: z.strictObject({ ...filters, tenantId: uuid.optional() }), responses: executions },
    handler: async (call) => {
      const { tenantId } = call.query
      if (tenantId !== undefined && !maySee(call.principal, tenantId)) throw noSuchTenant(tenantId)
      return sendExecutions(deps, call, tenantId === undefined ? call.principal.tenants : [tenantId])
    },
  })

export const listOfTenant = (deps: UpgradeRouteDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/registry/tenants/:tenantId/upgrades',
    operationId: 'listUpgradesOfTenant',
    tags: ['upgrades'],
    summary: 'Upgrade executions of a tenant, newest first',
    permission: reads,
    schema: { params: tenantParams, query: z.strictObject(filters), responses: executions },
    handler: async (call) => {
      await requireTenant(deps, call.principal, call.params.tenantId)
      return sendExecutions(deps, call, [call.params.tenantId])
    },
  })

export const readOne = (deps: UpgradeRouteDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/registry/upgrades/:executionId',
    operationId: 'getUpgrade',
    tags: ['upgrades'],
    summary: 'One upgrade execution, with its instances',
    permission: reads,
    schema: { params: executionParams, responses: { 200: { description: 'The execution', schema: execution } } },
    handler: async ({ params, principal }) =>
      executionView(await visibleExecution(deps, principal, params.executionId)),
  })

export const active = (deps: UpgradeRouteDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/registry/tenants/:tenantId/components/:componentId/upgrades/active',
    operationId: 'getActiveUpgrade',
    tags: ['upgrades'],
    summary: 'The active upgrade execution of a component of a tenant',
    permission: reads,
    schema: {
      params: z.strictObject({ tenantId: uuid, componentId: uuid }),
      query: z.strictObject({ rehearsal: queryBoolean().optional().describe('The active rehearsal instead.') }),
      responses: { 200: { description: 'The execution', schema: execution } },
    },
    handler: async ({ params, query, principal }) =>
      executionView(await readActive(deps, principal, { ...params, rehearsal: query.rehearsal ?? false })),
  })

export const events = (deps: UpgradeRouteDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/registry/upgrades/:executionId/events',
    operationId: 'listUpgradeEvents',
    tags: ['upgrades'],
    summary: 'Events of an upgrade execution, as a list or as a stream',
    permission: reads,
    schema: { params: executionParams, query: eventQuery, responses: eventResponses },
    handler: async (call) => {
      const id = call.params.executionId
      await requireVisible(deps, call.principal, id)
      return answerEvents(deps, call, { kind: 'execution', id })
    },
  })

export const readStatisticsOf = (deps: UpgradeRouteDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/registry/components/:componentId/upgrade-statistics',
    operationId: 'getUpgradeStatistics',
    tags: ['upgrades'],
    summary: 'How upgrades of a component went, over the tenants that the caller may see; rehearsals do not count',
    permission: { action: 'upgrade.read', scope: 'platform' },
    schema: {
      params: z.strictObject({ componentId: uuid }),
      responses: { 200: { description: 'Statistics', schema: statistics } },
    },
    handler: ({ params, principal }) => readStatistics(deps, principal, params.componentId),
  })
