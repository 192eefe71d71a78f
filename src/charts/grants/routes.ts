import { z } from 'zod'
import { type Place, placeAt } from '../../infra/database/ordered.ts'
import { sendList } from '../../infra/http/page.ts'
import { pageQuery, querySort, queryText } from '../../infra/http/query.ts'
import { type FeatureRoutes, route } from '../../infra/http/route.ts'
import { idParams, time, uuid } from '../../infra/http/schemas.ts'
import { rfc3339 } from '../../infra/http/time.ts'
import { dnsLabel } from '../labels.ts'
import { createGrant, type GrantParts, noSuchGrant, revokeGrant } from './commands.ts'
import { type Grant, grantOrders } from './store.ts'

const digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex')
  .describe('Of the packaged chart: what a refusal with `outside_namespace` names as `chartDigest`.')
const group = z.string().regex(/^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$/, 'must be the name of an API group')
const reason = z.string().max(500).optional().describe('Kept with the grant and in the audit log.')

const newGrant = z
  .strictObject({
    chartDigest: digest,
    apiGroup: group.optional().describe('Needed for kinds that are not of Kubernetes itself.'),
    kind: z.string().regex(/^[A-Z][A-Za-z0-9]{0,62}$/, 'must be a kind, as ClusterRole'),
    name: z
      .string()
      .regex(/^[A-Za-z0-9]([A-Za-z0-9._:-]{0,251}[A-Za-z0-9])?$/, 'must be the name of one object')
      .describe('Of that one object; nothing stands for several.'),
    namespace: dnsLabel.optional().describe('Where it lies; none for one of the whole cluster.'),
    reason,
  })
  .meta({ id: 'NewGrant' })

const grant = z
  .strictObject({
    id: uuid,
    chartDigest: z.string(),
    apiGroup: z.string(),
    kind: z.string(),
    name: z.string(),
    namespace: z.string().nullable(),
    reason: z.string().nullable(),
    createdBy: z.string(),
    createdAt: time,
  })
  .meta({ id: 'Grant' })

/** What single charts may reach outside of their release's namespace (SECURITY.md, "Two walls"). */
export function grantRoutes(parts: GrantParts): FeatureRoutes {
  return [postGrant(parts), getGrants(parts), getGrant(parts), deleteGrant(parts)]
}

const postGrant = (parts: GrantParts) =>
  route({
    method: 'POST',
    url: '/api/v1/grants',
    operationId: 'createGrant',
    tags: ['charts'],
    summary: 'Let one chart reach one object outside of its namespace',
    description: 'For these very bytes of the chart: another version needs a grant of its own.',
    permission: { scope: 'platform', action: 'grant.write' },
    schema: {
      body: newGrant,
      responses: { 201: { description: 'The grant', schema: grant, headers: { Location: 'Where it is read' } } },
    },
    handler: async ({ body, principal, reply, idempotency }) => {
      const { reason, apiGroup, namespace, ...rest } = body
      const headers = (id: string) => ({ location: `/api/v1/grants/${id}` })
      const made = await createGrant(parts, { principal, reason }, { ...rest, apiGroup, namespace }, (tx, result) =>
        idempotency.complete(tx, { status: 201, headers: headers(result.id), body: present(result) }),
      )
      reply.code(201).headers(headers(made.id))
      return present(made)
    },
  })

const getGrants = (parts: GrantParts) =>
  route({
    method: 'GET',
    url: '/api/v1/grants',
    operationId: 'listGrants',
    tags: ['charts'],
    summary: 'What charts are granted outside of their namespace, newest first',
    permission: { scope: 'platform', action: 'grant.read' },
    schema: {
      query: z.strictObject({
        ...pageQuery,
        chartDigest: digest.optional(),
        q: queryText().optional().describe('Part of the object or of the reason.'),
        sort: querySort(grantOrders, 'newest first'),
      }),
      responses: { 200: { description: 'The grants', schema: z.array(grant) } },
    },
    handler: (call) => {
      const { limit: _, cursor: __, sort: order = '-createdAt', ...filter } = call.query
      return sendList(call, {
        total: () => parts.grants.count(filter),
        rows: (after: Place | null, limit) => parts.grants.list(filter, { after, limit, order }),
        position: ({ createdAt, id }) => placeAt(createdAt, id),
        present,
      })
    },
  })

const getGrant = (parts: GrantParts) =>
  route({
    method: 'GET',
    url: '/api/v1/grants/:id',
    operationId: 'getGrant',
    tags: ['charts'],
    summary: 'One grant',
    permission: { scope: 'platform', action: 'grant.read' },
    schema: { params: idParams, responses: { 200: { description: 'The grant', schema: grant } } },
    handler: async ({ params }) => {
      const found = await parts.grants.find(params.id)
      if (found === null) throw noSuchGrant(params.id)
      return present(found)
    },
  })

const deleteGrant = (parts: GrantParts) =>
  route({
    method: 'DELETE',
    url: '/api/v1/grants/:id',
    operationId: 'revokeGrant',
    tags: ['charts'],
    summary: 'Take a grant back',
    description: 'What was made by it stays. The chart can neither change nor remove it any more.',
    permission: { scope: 'platform', action: 'grant.write' },
    schema: {
      params: idParams,
      query: z.strictObject({ reason }),
      responses: { 204: { description: 'It is taken back' } },
    },
    handler: async ({ params, query, principal, reply }) => {
      await revokeGrant(parts, { principal, reason: query.reason }, params.id)
      return reply.code(204).send()
    },
  })

function present({ createdAt, ...same }: Grant): z.input<typeof grant> {
  return { ...same, createdAt: rfc3339(createdAt) }
}
