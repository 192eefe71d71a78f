import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import type { Clock } from '../../core/instant.ts'
import type { Principal } from '../../core/subject.ts'
import type { Db } from '../database/types.ts'
import type { Authenticate, Authorize } from './auth.ts'
import type { IdempotencyKeys } from './idempotency/store.ts'
import type { RateLimit } from './rate-limit.ts'
import type { Streams } from './streams.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sent it; null until that is settled. Kept on the request itself: a WeakMap costs every collection of garbage. */
    caller: Principal | null
  }
}

/** What the routes of one server share. Made by `buildApp`. */
export type AppContext = {
  readonly authenticate: Authenticate
  readonly authorize: Authorize
  readonly clock: Clock
  readonly db: Db
  readonly idempotency: IdempotencyKeys
  readonly rate: RateLimit
  readonly streams: Streams
  readonly signingKey: Uint8Array
  /** Aborted as soon as the server begins to stop: waits and streams end. */
  readonly stopping: AbortSignal
  /** Tests hold every answer against its schema; a server in use does not pay for that. */
  readonly checkResponses: boolean
  readonly log: FastifyBaseLogger
}

/** The context of the server that a request came to. */
export function contextOf(request: FastifyRequest): AppContext {
  return request.server.getDecorator<AppContext>('flotilla')
}
