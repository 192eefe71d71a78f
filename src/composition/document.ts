import { pino } from 'pino'
import { Registry } from 'prom-client'
import { activityRoutes } from '../activity/index.ts'
import { chartRoutes, grantRoutes } from '../charts/index.ts'
import { systemClock } from '../infra/clock.ts'
import { buildApp } from '../infra/http/app.ts'
import { registryRoutes } from '../registry/index.ts'
import { releaseRoutes } from '../releases/index.ts'
import { mayDo, routesOfTenants } from '../tenants/index.ts'
import { upgradeRoutes } from '../upgrades/index.ts'
import { webhookRoutes } from '../webhooks/index.ts'
import { apiRoutes, version } from './api.ts'

/**
 * The OpenAPI document as the server answers it, made without a database and without a cluster: the routes describe
 * themselves, and none of them is called. Ends with a line break.
 */
export async function apiDocument(): Promise<string> {
  const routes = apiRoutes({
    releases: releaseRoutes(absent('the releases'), absent('the batches')),
    upgrades: upgradeRoutes(absent('the upgrades')),
    registry: registryRoutes(absent('the registry')),
    charts: [...chartRoutes(absent('the charts')), ...grantRoutes(absent('the grants'))],
    tenants: routesOfTenants(absent('the tenants'), absent('the operations')),
    activity: activityRoutes(absent('the activity')),
    webhooks: webhookRoutes(absent('the webhooks')),
  })
  const app = buildApp({
    routes,
    authenticate: async () => null,
    authorize: mayDo,
    readiness: [],
    db: absent('the database'),
    clock: systemClock,
    log: pino({ level: 'silent' }),
    metrics: new Registry(),
    metricsOpen: false,
    publicHost: null,
    version,
    signingKey: new Uint8Array(32),
    vault: absent('the vault'),
  })
  try {
    const answer = await app.inject({ url: '/openapi.json' })
    return `${JSON.stringify(answer.json(), null, 2)}\n`
  } finally {
    await app.close()
  }
}

/** A part that is handed on and never used: whoever reads from it is told which one it was. */
function absent<T extends object>(name: string): T {
  const refuse = (_: object, property: string | symbol): never => {
    throw new Error(`the document is made without ${name}, but ${String(property)} of it was used`)
  }
  return new Proxy<object>({}, { get: refuse }) as T
}
