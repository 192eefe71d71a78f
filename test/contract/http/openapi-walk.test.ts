import type { FastifyInstance } from 'fastify'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { type FeatureRoutes, route } from '../../../src/infra/http/route.ts'
import { appOf, principal } from '../../support/http-app.ts'
import { walkOpenApi } from '../../support/openapi-walk.ts'

let app: FastifyInstance | undefined
afterEach(() => app?.close())

const tenantId = '7b0c3c8e-58a3-4ad0-9b0b-1f6b1df1c001'
const system = ['getHealth', 'getReadiness', 'getOpenApi', 'getDocs']
const common = { tags: ['x'], summary: 'x' } as const
const anything = { responses: { 200: { description: 'x', schema: z.unknown() } } }

async function walk(routes: FeatureRoutes, bodies: Record<string, object> = {}) {
  app = appOf({
    routes: [routes],
    authorize: ({ role }, action) => role === 'platform-admin' || action.endsWith('.read'),
    authenticate: async (token) => (token === 'viewer' || token === 'foreign' ? principal('viewer') : null),
  })
  const subject = {
    tenantId,
    viewerKey: 'viewer',
    foreignKey: 'foreign',
    path: { id: tenantId },
    bodies,
    public: system,
  }
  return walkOpenApi(app, subject)
}

test('a faultless app has no faults', async () => {
  const made = route({
    ...common,
    method: 'POST',
    url: '/api/v1/a',
    operationId: 'a',
    permission: { scope: 'platform', action: 'tenant.write' },
    schema: { body: z.strictObject({ values: z.record(z.string(), z.unknown()) }), ...anything },
    handler: async () => ({}),
  })
  expect(await walk([made])).toEqual([])
})

test('a forgotten permission, a leaking list and a thing of another tenant are found', async () => {
  const open = route({
    ...common,
    method: 'GET',
    url: '/api/v1/open',
    operationId: 'open',
    permission: { scope: 'public' },
    schema: anything,
    handler: async () => ({}),
  })
  const list = route({
    ...common,
    method: 'GET',
    url: '/api/v1/list',
    operationId: 'list',
    permission: { scope: 'tenant', action: 'release.read' },
    schema: anything,
    handler: async () => [{ tenantId }],
  })
  const one = route({
    ...common,
    method: 'GET',
    url: '/api/v1/list/:id',
    operationId: 'one',
    permission: { scope: 'tenant', action: 'release.read' },
    schema: { params: z.strictObject({ id: z.uuid() }), ...anything },
    handler: async () => ({}),
  })
  expect(await walk([open, list, one])).toEqual([
    expect.stringContaining("GET /api/v1/list with another tenant's key: 200"),
    expect.stringContaining("GET /api/v1/list/{id} with another tenant's key: 200"),
    'open: is public',
  ])
})

test('a write that a viewer may do and a body that takes anything are found', async () => {
  const write = route({
    ...common,
    method: 'POST',
    url: '/api/v1/write',
    operationId: 'write',
    permission: { scope: 'platform', action: 'release.read' },
    schema: { body: z.strictObject({ part: z.object({ a: z.string().optional() }).optional() }), ...anything },
    handler: async () => ({}),
  })
  expect(await walk([write])).toEqual([
    'write: the body takes unknown fields at "/part"',
    expect.stringContaining("POST /api/v1/write with a viewer's key: 200"),
  ])
})
