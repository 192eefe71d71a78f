import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

const operations = new WeakMap<FastifyRequest, string>()

/** Puts the operation that a request started or waits for into its log line. */
export function logOperation(reply: FastifyReply, operationId: string): void {
  operations.set(reply.request, operationId)
}

/**
 * One line an answer, or for a client that went before it. The route, not the URL: no id in a query, no body and no
 * header is in it.
 */
export function logAnswers(app: FastifyInstance): void {
  app.addHook('onResponse', (request, reply, done) => {
    const ms = Math.round(reply.elapsedTime)
    request.log.info({ ...about(request), status: reply.statusCode, ms }, 'answered')
    done()
  })
  app.addHook('onRequestAbort', async (request) => {
    request.log.info(about(request), 'client gone')
  })
}

function about(request: FastifyRequest): object {
  const { method, routeOptions } = request
  return { method, route: routeOptions.url ?? null, operationId: operations.get(request) }
}
