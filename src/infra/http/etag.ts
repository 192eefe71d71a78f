import { hash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/**
 * Conditional reads (RFC 9110, 13.1.2): each JSON answer to a GET carries an `ETag` made of its text, and a client that
 * has it already is answered 304. It saves what is sent, not what is read: the answer is made through the caller's rights
 * every time. A list that is streamed has none, since its text is never there as a whole.
 */
export function answerConditionally(app: FastifyInstance): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    done(null, typeof payload === 'string' && isTagged(request, reply) ? tagged(request, reply, payload) : payload)
  })
}

/** Tags an answer; gives what is left of it to send. */
function tagged(request: FastifyRequest, reply: FastifyReply, payload: string): string {
  const known = reply.getHeader('etag')
  const tag = typeof known === 'string' ? known : tagOf(payload)
  if (known === undefined) reply.header('etag', tag)
  if (!names(request.headers['if-none-match'], tag)) return payload
  reply.code(304).removeHeader('content-type').removeHeader('content-length')
  return ''
}

function isTagged({ method }: FastifyRequest, reply: FastifyReply): boolean {
  const type = reply.getHeader('content-type')
  return method === 'GET' && reply.statusCode === 200 && typeof type === 'string' && type.startsWith('application/json')
}

/** The `ETag` of an answer with this text. */
export const tagOf = (text: string): string => `"${hash('sha256', text, 'base64url').slice(0, 22)}"`

/** Whether `If-None-Match` names the tag. It is compared weakly, as the header asks: proxies weaken what they compress. */
export function names(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  return header.trim() === '*' || header.split(',').some((one) => one.trim().replace(/^W\//, '') === tag)
}
