import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Action } from '../../core/actions.ts'
import type { Principal } from '../../core/subject.ts'
import type { KeyedRequest, StoredAnswer } from './idempotency/keyed-request.ts'
import type { SharedAnswer } from './shared-answer.ts'

/**
 * What a caller needs for a route. `tenant`: every id in it is loaded through the caller's tenants, a foreign one is
 * 404. `platform`: the role alone decides. `public`: no token. `dryRun` is the action that suffices when the query or
 * the body says `dryRun: true` (SPEC section 1: a viewer may preview).
 */
export type Permission =
  | { readonly scope: 'tenant' | 'platform'; readonly action: Action; readonly dryRun?: Action }
  | { readonly scope: 'public' }

/** An answer as the OpenAPI document describes it; without a schema it has no JSON body. */
export type ResponseSpec = {
  readonly description: string
  readonly schema?: z.ZodType
  /** `application/json` unless told. */
  readonly contentType?: string
  /** With `Accept: text/event-stream` it is a stream of server-sent events instead. */
  readonly streams?: boolean
  readonly headers?: Readonly<Record<string, string>>
}

/** Input is strict: unknown fields are refused. Query schemas read text; use the helpers of `query.ts`. */
export type RouteSchema = {
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  readonly body?: z.ZodObject
  readonly responses: Readonly<Record<number, ResponseSpec>>
}

type Parsed<T> = T extends z.ZodType ? z.output<T> : undefined
type SuccessStatus = 200 | 201 | 202
type Answers<R> = {
  [S in keyof R]: S extends SuccessStatus ? (R[S] extends { readonly schema: infer Z } ? Parsed<Z> : undefined) : never
}[keyof R]

/** One request, read and permitted. */
export type Call<S extends RouteSchema = RouteSchema> = {
  readonly params: Parsed<S['params']>
  readonly query: Parsed<S['query']>
  readonly body: Parsed<S['body']>
  /** Who calls. On a public route: nobody, who sees nothing. */
  readonly principal: Principal
  /** Aborted when the client has gone or the server stops. The work goes on; only waiting for it ends. */
  readonly signal: AbortSignal
  /** Aborted when the server stops: ends a wait after which something is still to be done, also for a client that has gone. */
  readonly stopping: AbortSignal
  readonly idempotency: KeyedRequest
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  /** Throws `forbidden` unless the caller's role holds the action: for what only the input decides. */
  require(action: Action): void
  /** False once the token has been revoked or has expired: long streams ask it at each heartbeat. */
  stillAllowed(): Promise<boolean>
}

/** How a mutating route takes part in `Idempotency-Key` beyond the default. */
export type IdempotencySpec<S extends RouteSchema> = {
  /** What is kept of an answer for replays. The API key's secret is left out here. */
  readonly keep?: (answer: StoredAnswer) => StoredAnswer
  /** Answers a replay from the operation that was bound: loads it through the caller's tenants, waits, answers. */
  readonly replay?: (call: Call<S>, operationId: string) => Promise<unknown>
}

/** One operation of the API, whole: what it takes, who may call it, what it answers, what it does. */
export type Route<S extends RouteSchema = RouteSchema> = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Absolute, with `:name` parameters: `/api/v1/tenants/:id`. */
  readonly url: string
  readonly summary: string
  readonly description?: string
  /** Unique over the whole API; clients are generated from it. */
  readonly operationId: string
  readonly tags: readonly string[]
  readonly permission: Permission
  readonly schema: S
  readonly idempotency?: IdempotencySpec<S>
  /** Returns the body (status 200 unless `reply.code` says otherwise), or the reply when it has answered itself. */
  readonly handler: (
    call: Call<S>,
  ) => Promise<Answers<S['responses']> | SharedAnswer<Answers<S['responses']>> | FastifyReply>
}

/** The routes of one feature, in the order in which the documentation shows them. */
export type FeatureRoutes = readonly Route[]

/**
 * Checks the input types of one route against its handler.
 *
 * @example
 * export const readTenant = (tenants: Tenants) => route({
 *   method: 'GET', url: '/api/v1/tenants/:id', operationId: 'getTenant', tags: ['tenants'],
 *   summary: 'One tenant', permission: { action: 'tenant.read', scope: 'tenant' },
 *   schema: { params: z.strictObject({ id: uuid }), responses: { 200: { description: 'The tenant', schema: tenant } } },
 *   handler: ({ params, principal }) => tenants.read(principal, params.id),
 * })
 */
export function route<const S extends RouteSchema>(definition: Route<S>): Route {
  for (const part of ['params', 'query', 'body'] as const) assertStrict(definition, definition.schema[part], part)
  return definition as unknown as Route
}

function assertStrict(of: { readonly operationId: string }, schema: z.ZodObject | undefined, part: string): void {
  if (schema && !(schema.def.catchall instanceof z.ZodNever))
    throw new Error(`${of.operationId}: the ${part} schema must be a z.strictObject`)
}
