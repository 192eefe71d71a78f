import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { attributesOf } from '../access/attributes.ts'
import { requireAllowed } from '../access/authorize.ts'
import { impersonated } from '../access/impersonate.ts'
import type { User } from '../access/user.ts'
import type { Answer, Api, Call } from './call.ts'
import { dispatch } from './dispatch.ts'
import { ApiError, asApiError, statusBody } from './status.ts'

const NO_BODY = Buffer.alloc(0)
const LARGEST_BODY = 3 * 1024 * 1024

export type ServerOptions = {
  readonly api: Api
  readonly key: string
  readonly certificate: string
  /** Answers requests that are not of the Kubernetes API, or disturbs those that are; false lets them pass. */
  readonly intercept: (call: Call) => Promise<boolean> | boolean
}

/** The HTTPS server of the API; the caller makes it listen. */
export function createApiServer(options: ServerOptions): Server {
  const server = createServer(
    { key: options.key, cert: options.certificate, keepAliveTimeout: 90_000 },
    (request, response) => {
      response.on('error', () => response.destroy())
      handle(options, request, response).catch((error: unknown) => fail(response, error))
    },
  )
  server.requestTimeout = 0
  return server
}

async function handle(options: ServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { store, tokens } = options.api
  const caller = tokens.userOf(request.headers.authorization)
  if (caller === undefined) throw new ApiError(401, 'Unauthorized', 'Unauthorized')
  const user = impersonated(store, caller, request)
  const asked = toCall(request, response, user)
  requireAllowed(store, user, attributesOf(asked))
  const call = { ...asked, body: await readBody(request) }
  if (await options.intercept(call)) return
  const answer = dispatch(options.api, call)
  if (answer !== undefined) send(response, answer)
}

/** The request as it is before its body is read. */
function toCall({ method = 'GET', url = '/', headers }: IncomingMessage, response: ServerResponse, user: User): Call {
  const mark = url.indexOf('?')
  return {
    user,
    method,
    path: mark < 0 ? url : url.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
    accept: headers.accept ?? '',
    contentType: headers['content-type'] ?? '',
    userAgent: headers['user-agent'] ?? '',
    ifNoneMatch: headers['if-none-match'] ?? '',
    body: NO_BODY,
    response,
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > LARGEST_BODY) {
      throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${LARGEST_BODY}`, {})
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function send(
  response: ServerResponse,
  { status, body, contentType = 'application/json', headers = {} }: Answer,
): void {
  const length = Buffer.byteLength(body)
  response.writeHead(status, {
    'cache-control': 'no-cache, private',
    'content-type': contentType,
    ...headers,
    'content-length': length,
  })
  response.end(body)
}

function fail(response: ServerResponse, error: unknown): void {
  const failure = asApiError(error)
  if (failure.code === 500 && !(error instanceof ApiError)) console.error(error)
  if (response.headersSent) response.destroy()
  else send(response, { status: failure.code, body: JSON.stringify(statusBody(failure)), headers: retryAfter(failure) })
}

function retryAfter({ details }: ApiError): Record<string, string> {
  return details?.retryAfterSeconds === undefined ? {} : { 'retry-after': String(details.retryAfterSeconds) }
}
