import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Principal } from '../../core/subject.ts'
import { authenticateRequest, checkAnyForm, nobody } from './auth.ts'
import { RequestCall } from './call.ts'
import type { AppContext } from './context.ts'
import { withIdempotency } from './idempotency/with-idempotency.ts'
import type { Route } from './route.ts'
import { jsonText, SharedAnswer } from './shared-answer.ts'

const json = 'application/json; charset=utf-8'

/** Puts a route on the server: who may call it is settled before a byte of the body is read. */
export function register(app: FastifyInstance, context: AppContext, route: Route): void {
  app.route({
    method: route.method,
    url: route.url,
    onRequest: async (request) => {
      request.caller = await identify(context, route, request)
    },
    handler: async (request, reply) => {
      const call = new RequestCall(context, route, request.caller ?? nobody, request, reply)
      const body = await withIdempotency(context, route, call, () => answer(context, route, call))
      return body instanceof SharedAnswer ? reply.type(json).header('etag', body.tag).send(body.text) : body
    },
  })
}

async function identify(context: AppContext, route: Route, request: FastifyRequest): Promise<Principal> {
  if (route.permission.scope === 'public') return nobody
  const principal = await authenticateRequest(context.authenticate, request)
  context.rate.take(principal.id)
  checkAnyForm(context.authorize, principal, route.permission)
  return principal
}

async function answer(context: AppContext, route: Route, call: RequestCall): Promise<unknown> {
  const body: unknown = await route.handler(call)
  if (context.checkResponses && body !== call.reply) checkAnswer(route, call.reply.statusCode, body)
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
