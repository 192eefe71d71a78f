import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Action } from '../../core/actions.ts'
import type { Principal } from '../../core/subject.ts'
import { authenticateRequest, checkAnyForm, checkExactForm, forbidden } from './auth.ts'
import { brokenParts } from './broken.ts'
import type { AppContext } from './context.ts'
import { type KeyedRequest, noKey } from './idempotency/keyed-request.ts'
import { malformedUrl } from './malformed-url.ts'
import type { Call, Route } from './route.ts'
import { inputProblem, parseInput } from './validate.ts'

type Input = Pick<Call, 'params' | 'query' | 'body'>

/** One request on its way through a route: read by its schemas and permitted when the constructor returns. */
export class RequestCall implements Call {
  readonly params: Input['params']
  readonly query: Input['query']
  readonly body: Input['body']
  readonly principal: Principal
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  idempotency: KeyedRequest = noKey
  readonly #context: AppContext
  readonly #route: Route
  #signal: AbortSignal | null = null

  constructor(context: AppContext, route: Route, principal: Principal, request: FastifyRequest, reply: FastifyReply) {
    const input = readInput(route, request)
    checkExactForm(context.authorize, principal, route.permission, isDryRun(input))
    this.params = input.params
    this.query = input.query
    this.body = input.body
    this.principal = principal
    this.request = request
    this.reply = reply
    this.#context = context
    this.#route = route
  }

  get stopping(): AbortSignal {
    return this.#context.stopping
  }

  /** Made when first asked for: most requests never wait. */
  get signal(): AbortSignal {
    this.#signal ??= AbortSignal.any([clientGone(this.reply), this.#context.stopping])
    return this.#signal
  }

  require(action: Action): void {
    if (!this.#context.authorize(this.principal, action)) throw forbidden(this.principal, action)
  }

  async stillAllowed(): Promise<boolean> {
    const { permission } = this.#route
    if (permission.scope === 'public') return true
    try {
      checkAnyForm(
        this.#context.authorize,
        await authenticateRequest(this.#context.authenticate, this.request),
        permission,
      )
      return true
    } catch {
      return false
    }
  }
}

function readInput(route: Route, request: FastifyRequest): Input {
  const malformed = malformedUrl(route.url, request.url)
  if (malformed.length > 0) throw inputProblem(malformed)
  const { params, query, body } = route.schema
  if (!query) refuseAny(Object.keys(request.query as object), 'query/', 'is not a known parameter')
  if (!body) refuseAny(bodyFields(request.body), '', 'is not a known field: this request takes no body')
  const broken = [
    ...brokenParts('path', request.params),
    ...brokenParts('query', request.query),
    ...brokenParts('body', request.body),
  ]
  if (broken.length > 0) throw inputProblem(broken)
  return {
    params: params && parseInput('path', params, request.params),
    query: query && parseInput('query', query, request.query),
    body: body && parseInput('body', body, request.body === undefined ? {} : request.body),
  } as Input
}

function refuseAny(names: readonly string[], prefix: string, message: string): void {
  if (names.length > 0) throw inputProblem(names.map((name) => ({ pointer: `${prefix}${name}`, message })))
}

function bodyFields(body: unknown): string[] {
  if (body === undefined || body === null) return []
  return typeof body === 'object' && !Array.isArray(body) ? Object.keys(body).map((key) => `/${key}`) : ['']
}

function isDryRun({ query, body }: Input): boolean {
  return saysDryRun(query) || saysDryRun(body)
}

const saysDryRun = (part: { readonly dryRun?: unknown } | undefined): boolean => part?.dryRun === true

/** Aborted when the connection closes, be it after the whole answer. */
function clientGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  if (reply.raw.destroyed) gone.abort()
  reply.raw.once('close', () => gone.abort())
  return gone.signal
}
