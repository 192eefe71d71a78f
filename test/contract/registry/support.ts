import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../../../src/core/instant.ts'
import { systemClock } from '../../../src/infra/clock.ts'
import { type InstalledChart, type RegistryDeps, registryRoutes } from '../../../src/registry/index.ts'
import { mayDo, registerClusters, routesOfTenants, type TenantDeps, tenantPort } from '../../../src/tenants/index.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'
import { appOf, as, principal } from '../../support/http-app.ts'

export type Row = { readonly id: string; readonly [field: string]: unknown }
export type Answer<T = Row> = { readonly status: number; readonly headers: Record<string, unknown>; readonly body: T }

/** The registry over HTTP on a database of its own, with every answer held against its schema. */
export type Registry = {
  readonly database: FreshDatabase
  readonly deps: RegistryDeps
  /** What the tenants run, by tenant: the tests write it. */
  readonly runs: Map<string, readonly InstalledChart[]>
  send<T = Row>(method: 'GET' | 'POST' | 'PATCH', url: string, body?: object, more?: Sending): Promise<Answer<T>>
  /** Given a component. */
  component(name: string, more?: object): Promise<Row>
  /** Given versions of it, in this order. */
  versions(component: Row, ...numbers: readonly (string | object)[]): Promise<readonly Row[]>
  /** Given an edge. */
  edge(from: Row | undefined, to: Row | undefined, more?: object): Promise<Row>
  close(): Promise<void>
}
type Sending = { readonly as?: 'admin' | 'operator' | 'viewer'; readonly key?: string }

export async function openRegistry(platformVersion: string | null = null): Promise<Registry> {
  const database = await freshDatabase()
  let now = Date.parse('2026-01-01T00:00:00Z')
  const clock: Clock = { now: () => now++, sleep: systemClock.sleep }
  const base = { db: database.db, clock, newId: randomUUID }
  const contexts = { current: 'practice', names: ['practice'] }
  const tenantDeps: TenantDeps = { ...base, contexts, ownNamespaces: [] }
  await registerClusters(tenantDeps)
  const runs = new Map<string, readonly InstalledChart[]>()
  const installed = { ofTenant: async (_: unknown, tenantId: string) => runs.get(tenantId) ?? [] }
  const deps: RegistryDeps = { ...base, platformVersion, tenants: tenantPort(tenantDeps), installed }
  const app = appOf({
    ...base,
    routes: [registryRoutes(deps), routesOfTenants(tenantDeps, async () => new Map())],
    authorize: mayDo,
    authenticate: async (token) => callers[token] ?? null,
  })
  const send = sender(app)
  return {
    database,
    deps,
    runs,
    send,
    component: async (name, more = {}) => made(await send('POST', '/registry/components', componentOf(name, more))),
    versions: async (component, ...numbers) => {
      const all: Row[] = []
      for (const number of numbers) {
        const body = typeof number === 'string' ? { version: number, status: 'STABLE' } : number
        all.push(made(await send('POST', `/registry/components/${component.id}/versions`, body)))
      }
      return all
    },
    edge: async (from, to, more = {}) => {
      const body = { fromVersionId: from?.id, toVersionId: to?.id, ...more }
      return made(await send('POST', '/registry/upgrade-paths', body))
    },
    close: async () => {
      await app.close()
      await database.close()
    },
  }
}

const callers: Readonly<Record<string, ReturnType<typeof principal>>> = {
  admin: principal('platform-admin'),
  operator: principal('tenant-operator'),
  viewer: principal('viewer'),
}

export const componentOf = (name: string, more: object = {}) => ({
  name,
  category: 'QUERY_ENGINE',
  chartName: `matih-${name}`,
  ...more,
})

function sender(app: FastifyInstance): Registry['send'] {
  return async (method, url, body, { as: caller = 'admin', key } = {}) => {
    const answer = await app.inject({
      method,
      url: url.startsWith('/api/') ? url : `/api/v1${url}`,
      headers: as(caller, key === undefined ? {} : { 'idempotency-key': key }),
      ...(body === undefined ? {} : { payload: body }),
    })
    return { status: answer.statusCode, headers: answer.headers, body: answer.json() }
  }
}

function made({ status, body }: Answer): Row {
  if (status !== 201) throw new Error(`answered ${status}: ${JSON.stringify(body)}`)
  return body
}

/** What a refused request must answer. */
export const problem = (status: number, code: string, pointer?: string) => ({
  status,
  body: { status, code, ...(pointer === undefined ? {} : { errors: [{ pointer }] }) },
})
