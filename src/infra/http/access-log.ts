import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

const operations = new WeakMap<FastifyRequest, string>()

/** Puts the operation that a request started or waits for into its log line. */
export function logOperation(reply: FastifyReply, operationId: string): void {
  operations.set(reply.request, operationId)
}

/** An answer that has been sent. `route` is the pattern, null where none matched; `ms` from the request line to the end. */
export type Answered = {
  readonly method: string
  readonly route: string | null
  readonly status: number
  readonly ms: number
}
export type OnAnswered = (answered: Answered) => void

/**
 * One line an answer, or for a client that went before it. The route, not the URL: no id in a query, no body and no
 * header is in it.
 */
export function logAnswers(app: FastifyInstance, onAnswered: OnAnswered): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { method } = request
    const answered = { method, route: routeOf(request), status: reply.statusCode, ms: reply.elapsedTime }
    onAnswered(answered)
    const operationId = operations.get(request)
    request.log.info({ ...answered, operationId, ms: Math.round(answered.ms) }, 'answered')
    done()
  })
  app.addHook('onRequestAbort', async (request) => {
    request.log.info(
      { method: request.method, route: routeOf(request), operationId: operations.get(request) },
      'client gone',
    )
  })
}

const routeOf = ({ routeOptions }: FastifyRequest): string | null => routeOptions.url ?? null
