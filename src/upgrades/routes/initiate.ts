import { route } from '../../infra/http/route.ts'
import { initiate } from '../commands/initiate.ts'
import { executionView } from '../views.ts'
import { commandCall, tenantParams, type UpgradeRouteDeps } from './deps.ts'
import { execution, upgradeRequest } from './schemas.ts'

const headers = (id: string) => ({ location: `/api/v1/registry/upgrades/${id}` })

export const initiateUpgrade = (deps: UpgradeRouteDeps) =>
  route({
    method: 'POST',
    url: '/api/v1/registry/tenants/:tenantId/upgrades',
    operationId: 'initiateUpgrade',
    tags: ['upgrades'],
    summary: 'Make an upgrade execution for a component of a tenant; it is PENDING until it is started',
    description:
      'The instances are found from the chart of the component: the replicas of a workload, or the releases themselves. ' +
      'With `{"target": {"kind": "rehearsal"}}` the same execution runs against a simulated fleet and touches nothing.',
    permission: { action: 'upgrade.initiate', scope: 'tenant' },
    schema: {
      params: tenantParams,
      body: upgradeRequest,
      responses: { 201: { description: 'The execution', schema: execution, headers: { Location: 'The execution' } } },
    },
    handler: async (call) => {
      const { params, body, reply } = call
      if ((body.overrideChecks ?? []).length > 0) call.require('upgrade.override-checks')
      const made = await initiate(deps, commandCall(call, body.reason, { status: 201, headers }), params.tenantId, body)
      reply.code(201).headers(headers(made.id))
      return executionView(made)
    },
  })
