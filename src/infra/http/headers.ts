import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import { Problem } from '../../core/problems.ts'

/** On every answer: nothing is cached, sniffed or sent on, and the request id leads to the log. */
export function commonHeaders(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
  reply.headers({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'x-request-id': request.id,
  })
  done()
}

/** New requests on connections that are still open find a server that stops: 503, and the connection is closed. */
export function refuseWhileStopping(stopping: AbortSignal) {
  return (_: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void => {
    if (stopping.aborted) {
      reply.header('connection', 'close')
      throw new Problem('unavailable', 'The server is stopping: try again')
    }
    done()
  }
}
