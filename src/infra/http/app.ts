import { randomUUID } from 'node:crypto'
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify'
import type { Registry } from 'prom-client'
import type { Clock } from '../../core/instant.ts'
import type { Db } from '../database/types.ts'
import type { Vault } from '../secrets/vault.ts'
import { logAnswers } from './access-log.ts'
import type { Authenticate, Authorize } from './auth.ts'
import { maxBodyBytes, readJsonBodies } from './body.ts'
import { trackConnections } from './connections.ts'
import type { AppContext } from './context.ts'
import { docsRoutes } from './docs.ts'
import { answerConditionally } from './etag.ts'
import { commonHeaders, refuseWhileStopping } from './headers.ts'
import { healthRoutes, type ReadinessCheck } from './health.ts'
import { hostCheck } from './hosts.ts'
import { IdempotencyKeys } from './idempotency/store.ts'
import { measureAnswers, metricsRoute } from './metrics.ts'
import { sendProblem } from './problem-json.ts'
import { RateLimit } from './rate-limit.ts'
import { refuseConnection } from './refuse-connection.ts'
import { register } from './register.ts'
import type { FeatureRoutes, Route } from './route.ts'
import { Streams } from './streams.ts'
import { answerUnmatched, undecodable } from './unmatched.ts'

/** What `main.ts` gives the HTTP server. */
export type AppOptions = {
  readonly routes: readonly FeatureRoutes[]
  readonly authenticate: Authenticate
  readonly authorize: Authorize
  readonly readiness: readonly ReadinessCheck[]
  readonly db: Db
  readonly clock: Clock
  readonly log: FastifyBaseLogger
  readonly metrics: Registry
  readonly metricsOpen: boolean
  readonly publicHost: string | null
  readonly version: string
  /** Signs cursors and hashes keyed requests; the same in every server of one installation, at least 32 bytes. */
  readonly signingKey: Uint8Array
  /** Seals the answers that are kept for replays. */
  readonly vault: Vault
  readonly checkResponses?: boolean
  /** What one caller may send in a second (SECURITY.md); no limit unless told. */
  readonly requestsPerSecond?: number | null
}

/** The HTTP server with every route, not yet listening. */
export function buildApp(options: AppOptions): FastifyInstance {
  const stopping = new AbortController()
  const routes = [
    ...options.routes.flat(),
    ...healthRoutes(options.readiness),
    metricsRoute(options.metrics, options.metricsOpen),
  ]
  const all = [...routes, ...docsRoutes(routes, options.version)]
  const app = server(options.log, all)
  const context: AppContext = {
    authenticate: options.authenticate,
    authorize: options.authorize,
    clock: options.clock,
    db: options.db,
    idempotency: new IdempotencyKeys(options.db, options.vault),
    signingKey: options.signingKey,
    log: options.log,
    rate: new RateLimit(options.requestsPerSecond ?? null, options.clock),
    streams: new Streams(),
    stopping: stopping.signal,
    checkResponses: options.checkResponses ?? false,
  }

  app.decorate('flotilla', context)
  app.decorateRequest('caller', null)
  const endIdleConnections = trackConnections(app.server)
  app.addHook('preClose', async () => {
    stopping.abort()
    endIdleConnections()
  })
  app.addHook('onRequest', commonHeaders)
  app.addHook('onRequest', refuseWhileStopping(stopping.signal))
  app.addHook('onRequest', hostCheck(options.publicHost))
  logAnswers(app, measureAnswers(options.metrics))
  readJsonBodies(app)
  answerConditionally(app)
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply))
  answerUnmatched(app, all)
  for (const route of all) register(app, context, route)
  return app
}

/**
 * No limit cuts a long answer: `requestTimeout` and `headersTimeout` bound only how long a client may take to send its
 * request.
 */
function server(log: FastifyBaseLogger, routes: readonly Route[]): FastifyInstance {
  return fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: maxBodyBytes,
    connectionTimeout: 0,
    requestTimeout: 60_000,
    keepAliveTimeout: 75_000,
    http: { headersTimeout: 30_000 },
    exposeHeadRoutes: false,
    return503OnClosing: false,
    genReqId: () => randomUUID(),
    frameworkErrors: (error, request, reply) => {
      const told = error.code === 'FST_ERR_BAD_URL' ? undecodable(routes, request.url) : error
      void sendProblem(told, request, reply)
    },
    clientErrorHandler: refuseConnection,
  })
}
