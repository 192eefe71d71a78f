import { z } from 'zod'
import { type Place, placeAt } from '../../infra/database/ordered.ts'
import { sendList } from '../../infra/http/page.ts'
import { pageQuery, querySort, queryText } from '../../infra/http/query.ts'
import { route } from '../../infra/http/route.ts'
import { idParams, uuid } from '../../infra/http/schemas.ts'
import { requireWebhook } from '../commands/find-webhook.ts'
import { redeliver } from '../commands/redeliver.ts'
import type { WebhookDeps } from '../deps.ts'
import { countDeliveries, deliveryOrders, listDeliveries } from '../store/deliveries.ts'
import { delivery, deliveryStatus, presentDelivery, reason } from './schemas.ts'
import { reads, writes } from './webhooks.ts'

export const getDeliveries = (deps: WebhookDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/webhooks/:id/deliveries',
    operationId: 'listWebhookDeliveries',
    tags: ['events'],
    summary: 'What was delivered, what waits and what has failed, newest first; kept 7 days',
    permission: reads,
    schema: {
      params: idParams,
      query: z.strictObject({
        ...pageQuery,
        status: deliveryStatus.optional(),
        q: queryText().optional().describe('Part of the type.'),
        sort: querySort(deliveryOrders, 'newest first'),
      }),
      responses: { 200: { description: 'Deliveries', schema: z.array(delivery) } },
    },
    handler: async (call) => {
      const webhookId = call.params.id
      await requireWebhook(deps.db, call.principal, webhookId)
      const { status, q, sort: order = '-createdAt' } = call.query
      const filter = { webhookId, status, q }
      return sendList(call, {
        total: () => countDeliveries(deps.db, filter),
        rows: (after: Place | null, limit) => listDeliveries(deps.db, filter, { after, limit, order }),
        position: ({ createdAt, id }) => placeAt(createdAt, id),
        present: presentDelivery,
      })
    },
  })

export const postRedelivery = (deps: WebhookDeps) =>
  route({
    method: 'POST',
    url: '/api/v1/webhooks/:id/deliveries/:deliveryId/redeliver',
    operationId: 'redeliverWebhook',
    tags: ['events'],
    summary: 'Deliver an event once more',
    description:
      'One that waits for its next try is tried now. One that waits behind an earlier one of its release or execution ' +
      '(`EARLIER_EVENT`) stays behind it: the earlier one is tried now, and this one follows at once when that has ended. One that ' +
      'has ended gets a new delivery of the same event, whatever else waits of the same release or execution.',
    permission: writes,
    schema: {
      params: z.strictObject({ id: uuid, deliveryId: uuid }),
      query: z.strictObject({ reason }),
      responses: {
        202: {
          description: 'The delivery, to be tried now or right after the one that it waits behind',
          schema: delivery,
        },
      },
    },
    handler: async ({ params, query, principal, reply, idempotency }) => {
      const ids = { webhookId: params.id, deliveryId: params.deliveryId }
      const next = await redeliver(deps, { principal, reason: query.reason }, ids, (tx, result) =>
        idempotency.complete(tx, { status: 202, body: presentDelivery(result) }),
      )
      reply.code(202)
      return presentDelivery(next)
    },
  })
