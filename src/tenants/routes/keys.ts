import { z } from 'zod'
import { roles } from '../../core/subject.ts'
import type { Place } from '../../infra/database/ordered.ts'
import type { StoredAnswer } from '../../infra/http/idempotency/keyed-request.ts'
import { sendList } from '../../infra/http/page.ts'
import { pageQuery, querySort, queryText } from '../../infra/http/query.ts'
import { type FeatureRoutes, route } from '../../infra/http/route.ts'
import { idParams } from '../../infra/http/schemas.ts'
import { createKey } from '../commands/create-key.ts'
import { revokeKey } from '../commands/revoke-key.ts'
import type { TenantDeps } from '../deps.ts'
import { countKeys, keyOrders, listKeys, placeOfKey } from '../store/keys.ts'
import { apiKey, createdKey, newKey, reason } from './schemas.ts'
import { presentKey } from './views.ts'

/** API keys: made, listed, revoked. */
export function keyRoutes(deps: TenantDeps): FeatureRoutes {
  return [postKey(deps), getKeys(deps), deleteKey(deps)]
}

const postKey = (deps: TenantDeps) =>
  route({
    method: 'POST',
    url: '/api/v1/api-keys',
    operationId: 'createApiKey',
    tags: ['access'],
    summary: 'Make an API key; its secret is in this answer only',
    permission: { scope: 'platform', action: 'api-key.write' },
    schema: { body: newKey, responses: { 201: { description: 'The key with its secret', schema: createdKey } } },
    idempotency: { keep: withoutSecret },
    handler: async ({ body, principal, reply, idempotency }) => {
      const { reason, expiresAt, ...rest } = body
      const wanted = { ...rest, expiresAt: expiresAt === undefined ? null : Date.parse(expiresAt) }
      const made = await createKey(deps, { principal, reason }, wanted, (tx, key) =>
        idempotency.complete(tx, { status: 201, body: { ...presentKey(key), key: key.key } }),
      )
      reply.code(201)
      return { ...presentKey(made), key: made.key }
    },
  })

/** The secret is shown once, also not on a replay (SPEC section 1), and never stored. */
function withoutSecret(answer: StoredAnswer): StoredAnswer {
  if (answer.status !== 201) return answer
  return { ...answer, body: JSON.stringify({ ...JSON.parse(answer.body), key: null }) }
}

const getKeys = (deps: TenantDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/api-keys',
    operationId: 'listApiKeys',
    tags: ['access'],
    summary: 'API keys, newest first, the revoked ones too',
    permission: { scope: 'platform', action: 'api-key.read' },
    schema: {
      query: z.strictObject({
        ...pageQuery,
        role: z.enum(roles).optional(),
        q: queryText().optional().describe('Part of the name or of who made it.'),
        sort: querySort(keyOrders, 'newest first'),
      }),
      responses: { 200: { description: 'Keys without their secrets', schema: z.array(apiKey) } },
    },
    handler: (call) => {
      const { role, q, sort: order = '-createdAt' } = call.query
      const filter = { role, q }
      return sendList(call, {
        total: () => countKeys(deps.db, filter),
        rows: (after: Place | null, limit) => listKeys(deps.db, filter, { after, limit, order }),
        position: (key) => placeOfKey(order, key),
        present: presentKey,
      })
    },
  })

const deleteKey = (deps: TenantDeps) =>
  route({
    method: 'DELETE',
    url: '/api/v1/api-keys/:id',
    operationId: 'revokeApiKey',
    tags: ['access'],
    summary: 'Revoke an API key, everywhere within 5 seconds',
    permission: { scope: 'platform', action: 'api-key.write' },
    schema: {
      params: idParams,
      query: z.strictObject({ reason }),
      responses: { 204: { description: 'It is revoked' } },
    },
    handler: async ({ params, query, principal, reply }) => {
      await revokeKey(deps, { principal, reason: query.reason }, params.id)
      return reply.code(204).send()
    },
  })
