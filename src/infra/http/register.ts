import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Principal } from '../../core/subject.ts'
import { authenticateRequest, checkAnyForm, nobody } from './auth.ts'
import { RequestCall } from './call.ts'
import type { AppContext } from './context.ts'
import { idempotencyKey, withIdempotency } from './idempotency/with-idempotency.ts'
import type { Route } from './route.ts'
import { jsonText, SharedAnswer } from './shared-answer.ts'

const json = 'application/json; charset=utf-8'

/** Puts a route on the server: who may call it is settled before a byte of the body is read. */
export function register(app: FastifyInstance, context: AppContext, route: Route): void {
  app.route({
    method: route.method,
    url: route.url,
    onRequest: (request, _, done) => {
      const admit = (principal: Principal) => {
        request.caller = admitted(context, route, principal)
      }
      const principal = identify(context, route, request)
      if (principal instanceof Promise) return void principal.then(admit).then(() => done(), done)
      admit(principal)
      done()
    },
    handler: async (request, reply) => {
      const call = new RequestCall(context, route, request.caller ?? nobody, request, reply)
      const key = idempotencyKey(route, call)
      const run = () => answer(context, route, call)
      const body = await (key === null ? run() : withIdempotency(context, route, call, key, run))
      if (!(body instanceof SharedAnswer)) return body
      reply.type(json).header('etag', body.tag)
      return body.text
    },
  })
}

function identify(context: AppContext, route: Route, request: FastifyRequest): Principal | Promise<Principal> {
  return route.permission.scope === 'public' ? nobody : authenticateRequest(context.authenticate, request)
}

/** Throws unless a principal may call the route now. */
function admitted({ authorize, rate }: AppContext, { permission }: Route, principal: Principal): Principal {
  if (permission.scope !== 'public') rate.take(principal.id)
  checkAnyForm(authorize, principal, permission)
  return principal
}

function answer(context: AppContext, route: Route, call: RequestCall): Promise<unknown> {
  const body: Promise<unknown> = route.handler(call)
  return context.checkResponses ? checked(route, call, body) : body
}

async function checked(route: Route, { reply }: RequestCall, answering: Promise<unknown>): Promise<unknown> {
  const body = await answering
  if (body !== reply) checkAnswer(route, reply.statusCode, body)
  return body
}

/** Throws when an answer is not what the OpenAPI document promises: a fault of the server, found by tests. */
export function checkAnswer(route: Route, status: number, body: unknown): void {
  const spec = route.schema.responses[status]
  if (!spec) throw new Error(`${route.operationId} answered ${status}, which it does not document`)
  const result = spec.schema?.safeParse(JSON.parse(jsonText(body) || 'null'))
  if (result && !result.success)
    throw new Error(`${route.operationId} answered what it does not document: ${result.error.message}`)
}
