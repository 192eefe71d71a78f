import { z } from 'zod'
import { type Place, placeAt } from '../../infra/database/ordered.ts'
import { sendList } from '../../infra/http/page.ts'
import { pageQuery, querySort, queryText } from '../../infra/http/query.ts'
import { route } from '../../infra/http/route.ts'
import { idParams, uuid } from '../../infra/http/schemas.ts'
import { batchResult } from '../commands/batch-result.ts'
import { requireVisible } from '../commands/context.ts'
import { operationsWaiting } from '../commands/execution-waits.ts'
import { cancelOperation, endWithEvidence, readOperation } from '../commands/operations.ts'
import type { BatchMachine } from '../deps.ts'
import { countOperations, listOperations, type OperationListing, operationOrders } from '../store/operations.ts'
import { operationView } from '../views.ts'
import type { RouteDeps } from './answer.ts'
import { cancelBody, conflictValues, operation } from './schemas.ts'

const read = { action: 'operation.read', scope: 'tenant' } as const

export const list = (deps: RouteDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/operations',
    operationId: 'listOperations',
    tags: ['operations'],
    summary: 'Operations, newest first',
    permission: read,
    schema: {
      query: z.strictObject({
        ...pageQuery,
        releaseId: uuid.optional(),
        status: operation.shape.status.optional(),
        q: queryText().optional().describe('Part of the kind, of who asked, or of the reason.'),
        sort: querySort(operationOrders, 'newest first'),
      }),
      responses: { 200: { description: 'Operations', schema: z.array(operation) } },
    },
    handler: async (call) => {
      const { releaseId, status, q, sort: order = '-createdAt' } = call.query
      if (releaseId !== undefined) await requireVisible(deps, call.principal, releaseId)
      const filter = { releaseId, status, q }
      return sendList(call, {
        total: () => countOperations(deps.db, call.principal, filter),
        rows: async (after: Place | null, limit) => {
          const rows = await listOperations(deps.db, call.principal, filter, { after, limit, order })
          return operationsWaiting(deps.ports.executions, rows)
        },
        position: (row: OperationListing) => placeAt(row.created_at.getTime(), row.id),
        present: operationView,
      })
    },
  })

export const readOne = (deps: RouteDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/operations/:id',
    operationId: 'getOperation',
    tags: ['operations'],
    summary: 'One operation: what it waits for, or how it ended',
    description:
      'The `error` of one that failed holds the `evidence`, as the 422 of a caller who waited does; in its ' +
      '`refused` stands what the cluster refused where helm does not say so. A rollback, also that of `atomic`, tells in ' +
      '`result` which fields of other hands it overwrote: `{overwritten: [{object, field, manager, live, wanted}]}`; ' +
      '`overwrittenIncomplete` says why these are not all of them, or why it is not known. Without either there were ' +
      `none. Of their values, and of those of \`conflicts\` in the evidence, ${conflictValues}`,
    permission: read,
    schema: { params: idParams, responses: { 200: { description: 'The operation', schema: operation } } },
    handler: async ({ params, principal }) => {
      const row = await readOperation(deps, principal, params.id)
      const view = { ...operationView(row), ...(await endWithEvidence(deps, row)) }
      if (row.release_id !== null || row.ended_at === null) return view
      return { ...view, result: await batchResult(deps, principal, row.id) }
    },
  })

export const cancel = (deps: RouteDeps, batches: BatchMachine) =>
  route({
    method: 'POST',
    url: '/api/v1/operations/:id/cancel',
    operationId: 'cancelOperation',
    tags: ['operations'],
    summary: 'Cancel an operation',
    description:
      'A queued one changes nothing; a running install, upgrade or wait ends FAILED with `cancelled`; a running ' +
      'rollback or uninstall of helm cannot be interrupted (409); a batch starts no further release.',
    permission: { action: 'operation.cancel', scope: 'tenant' },
    schema: {
      params: idParams,
      body: cancelBody,
      responses: { 202: { description: 'The operation as it now is', schema: operation } },
    },
    handler: async ({ params, body, principal, reply }) => {
      await cancelOperation(deps, batches, { principal, reason: body.reason ?? null }, params.id)
      reply.code(202)
      return operationView(await readOperation(deps, principal, params.id))
    },
  })
