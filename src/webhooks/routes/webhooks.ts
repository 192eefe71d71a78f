import { z } from 'zod'
import { type Place, placeAt } from '../../infra/database/ordered.ts'
import { sendList } from '../../infra/http/page.ts'
import { pageQuery, queryBoolean, querySort, queryText } from '../../infra/http/query.ts'
import { route } from '../../infra/http/route.ts'
import { idParams, uuid } from '../../infra/http/schemas.ts'
import { maySee, noSuchTenant } from '../../tenants/index.ts'
import { createWebhook } from '../commands/create-webhook.ts'
import { deleteWebhook } from '../commands/delete-webhook.ts'
import { requireWebhook } from '../commands/find-webhook.ts'
import type { Webhook } from '../core/model.ts'
import type { WebhookDeps } from '../deps.ts'
import { countWebhooks, listWebhooks, webhookOrders } from '../store/webhooks.ts'
import { newWebhook, presentWebhook, reason, webhookSchema as webhook } from './schemas.ts'

export const reads = { scope: 'tenant', action: 'webhook.read' } as const
export const writes = { scope: 'tenant', action: 'webhook.write' } as const

/** Webhooks as they are shown now. */
const presentedBy =
  ({ clock }: WebhookDeps) =>
  (shown: Webhook) =>
    presentWebhook(shown, clock.now())

export const postWebhook = (deps: WebhookDeps) =>
  route({
    method: 'POST',
    url: '/api/v1/webhooks',
    operationId: 'createWebhook',
    tags: ['events'],
    summary: 'Be told of events by HTTP',
    description:
      'Each event is sent as the stream shows it, in order for each release and execution, at least once: ' +
      '`Flotilla-Delivery` is the same on each try. `Flotilla-Signature: t=UNIX_SECONDS,v1=HEX` holds the HMAC-SHA256 of ' +
      '`UNIX_SECONDS.BODY` under the secret. A 2xx within 10 s is a success; anything else is tried again, after 5 s, ' +
      '10 s, 20 s and so on, at most an hour apart and 16 times; a receiver that fails is left alone for up to a minute in ' +
      'between. Addresses in private networks are refused unless the ' +
      'operator allows them.',
    permission: writes,
    schema: {
      body: newWebhook,
      responses: { 201: { description: 'The webhook', schema: webhook, headers: { Location: 'Where it is read' } } },
    },
    handler: async ({ body, principal, reply, idempotency }) => {
      const { reason, tenantId = null, description = null, ...rest } = body
      const headers = (id: string) => ({ location: `/api/v1/webhooks/${id}` })
      const wanted = { ...rest, tenantId, description }
      const present = presentedBy(deps)
      const made = await createWebhook(deps, { principal, reason }, wanted, (tx, result) =>
        idempotency.complete(tx, { status: 201, headers: headers(result.id), body: present(result) }),
      )
      reply.code(201).headers(headers(made.id))
      return present(made)
    },
  })

export const getWebhooks = (deps: WebhookDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/webhooks',
    operationId: 'listWebhooks',
    tags: ['events'],
    summary: 'Webhooks of the tenants that the caller may see, newest first; those of the platform for admins',
    permission: reads,
    schema: {
      query: z.strictObject({
        ...pageQuery,
        tenantId: uuid.optional(),
        failing: queryBoolean().optional().describe('Only those whose last delivery failed, or none of them.'),
        q: queryText().optional().describe('Part of the address or the description.'),
        sort: querySort(webhookOrders, 'newest first'),
      }),
      responses: { 200: { description: 'Webhooks', schema: z.array(webhook) } },
    },
    handler: async (call) => {
      const { tenantId, failing, q, sort: order = '-createdAt' } = call.query
      if (tenantId !== undefined && !maySee(call.principal, tenantId)) throw noSuchTenant(tenantId)
      const filter = { scope: call.principal.tenants, tenantId, failing, q }
      return sendList(call, {
        total: () => countWebhooks(deps.db, filter),
        rows: (after: Place | null, limit) => listWebhooks(deps.db, filter, { after, limit, order }),
        position: ({ createdAt, id }) => placeAt(createdAt, id),
        present: presentedBy(deps),
      })
    },
  })

export const getWebhook = (deps: WebhookDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/webhooks/:id',
    operationId: 'getWebhook',
    tags: ['events'],
    summary: 'One webhook, without its secret',
    permission: reads,
    schema: { params: idParams, responses: { 200: { description: 'The webhook', schema: webhook } } },
    handler: async ({ params, principal }) => presentedBy(deps)(await requireWebhook(deps.db, principal, params.id)),
  })

export const removeWebhook = (deps: WebhookDeps) =>
  route({
    method: 'DELETE',
    url: '/api/v1/webhooks/:id',
    operationId: 'deleteWebhook',
    tags: ['events'],
    summary: 'Delete a webhook and its deliveries',
    permission: writes,
    schema: {
      params: idParams,
      query: z.strictObject({ reason }),
      responses: { 204: { description: 'It is gone' } },
    },
    handler: async ({ params, query, principal, reply }) => {
      await deleteWebhook(deps, { principal, reason: query.reason }, params.id)
      return reply.code(204).send()
    },
  })
