import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../../../core/instant.ts'
import { type Log, silentLog } from '../../log.ts'
import type { ClusterEndpoint } from '../types.ts'
import { answerRefusal, answerStatus, readBody, readCredentials } from './answers.ts'
import { type AttemptSpec, GatewayAttempt } from './attempt.ts'
import { Bucket, type Rate } from './bucket.ts'
import { type Admitted, classifyRequest, isRecordOf, isSecret, type Refused, type Room } from './classify.ts'
import { type CachedAnswer, type CacheLimits, DiscoveryCache } from './discovery-cache.ts'
import { isGrantedCreate } from './grants.ts'
import { keepFields, saysOf } from './keeps.ts'
import { refusedAnswer } from './refused-answer.ts'
import { isAllowedSecret, nameOfSecret } from './secret-body.ts'
import { askCluster, passAnswer, type UpstreamAnswer, type UpstreamRequest, wasNeverSent } from './upstream.ts'

/** What the gateway lets through. A test of the other wall puts another one in its place. */
export type Wall = {
  readonly admits: (method: string, rawUrl: string, room: Room) => Admitted | Refused
  readonly admitsSecret: (contentType: string, body: Buffer, name: string | null, room: Room) => boolean
}
export type GatewayOptions = {
  readonly clock: Clock
  readonly log?: Log
  readonly wall?: Wall
  readonly rate?: Rate
  readonly cache?: CacheLimits
}
export type OpenAttempt = {
  readonly attempt: GatewayAttempt
  /** With the attempt's secret as user info: it belongs into the kubeconfig (0600) and nowhere else. */
  readonly url: string
  /** Which kinds there are is asked of the cluster next. */
  forgetKinds(): void
  /** The secret is worth nothing afterwards, and what is under way is broken off. */
  close(): void
}

type Exchange = {
  readonly attempt: GatewayAttempt
  readonly request: IncomingMessage
  readonly response: ServerResponse
}
type Sending = { readonly ask: UpstreamRequest; readonly beyond: boolean }
type Write = Extract<Admitted, { kind: 'write' }>

const namespaceWall: Wall = { admits: classifyRequest, admitsSecret: isAllowedSecret }
const generous: Rate = { perSecond: 200, burst: 400 }
const short: CacheLimits = { ttlMs: 30_000, againMs: 1_000, entries: 500, bytes: 4 << 20 }
/** Above what an API server takes (3 MiB). */
const bodyLimit = 4 << 20

/**
 * The only way from helm to a cluster (DESIGN.md, "helm never holds the cluster's credentials"). One a worker process,
 * on loopback. It adds the credentials, keeps a chart inside its namespace, and lets no write out without a lease.
 */
export class Gateway {
  readonly #server: Server
  readonly #attempts = new Map<string, GatewayAttempt>()
  readonly #buckets = new Map<string, Bucket>()
  readonly #cache: DiscoveryCache
  readonly #clock: Clock
  readonly #log: Log
  readonly #rate: Rate
  readonly #wall: Wall

  private constructor(options: GatewayOptions) {
    this.#clock = options.clock
    this.#log = options.log ?? silentLog
    this.#rate = options.rate ?? generous
    this.#wall = options.wall ?? namespaceWall
    this.#cache = new DiscoveryCache(options.cache ?? short, options.clock)
    this.#server = createServer((request, response) => void this.#serve(request, response))
    this.#server.on('upgrade', (_request, socket) => {
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
    })
  }

  /** Listens on a free port of 127.0.0.1. */
  static async open(options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(options)
    await new Promise<void>((resolve, reject) => {
      gateway.#server.once('error', reject)
      gateway.#server.listen(0, '127.0.0.1', resolve)
    })
    return gateway
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Lets one run of helm in. The caller closes it when the child is gone. */
  admit(spec: AttemptSpec): OpenAttempt {
    const attempt = new GatewayAttempt(spec)
    this.#attempts.set(attempt.id, attempt)
    return {
      attempt,
      url: `http://${attempt.id}:${attempt.secret}@127.0.0.1:${this.port}`,
      forgetKinds: () => this.#cache.drop(spec.cluster.server.href),
      close: () => {
        this.#attempts.delete(attempt.id)
        attempt.end()
      },
    }
  }

  async close(): Promise<void> {
    for (const attempt of this.#attempts.values()) attempt.end()
    this.#attempts.clear()
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const attempt = this.#authenticate(request)
    if (attempt === null) return answerStatus(response, 401, 'Unauthorized', 'flotilla gateway: no such attempt')
    const exchange = { attempt, request, response }
    const admitted = this.#wall.admits(request.method ?? '', request.url ?? '', attempt.room)
    try {
      if (admitted.kind === 'refused') refuse(exchange, admitted)
      else if (admitted.kind === 'discovery') await this.#discover(exchange)
      else if (admitted.kind === 'read') await this.#read(exchange, admitted.beyond)
      else await this.#write(exchange, admitted)
    } catch (error) {
      this.#failed(exchange, error)
    }
  }

  #authenticate(request: IncomingMessage): GatewayAttempt | null {
    const given = readCredentials(request.headers.authorization)
    const attempt = given === null ? undefined : this.#attempts.get(given.id)
    return given !== null && attempt?.isSecret(given.secret) ? attempt : null
  }

  /** A document that the same helm asks for twice is a newer one: it may have met a kind that it does not know. */
  async #discover({ attempt, request, response }: Exchange): Promise<void> {
    const url = request.url ?? ''
    const key = `${attempt.cluster.server.href} ${url} ${request.headers.accept ?? ''}`
    const again = attempt.seen.has(key)
    attempt.seen.add(key)
    const answer = await this.#cache.get(key, again, () => this.#load(attempt, request))
    const headers = { 'content-type': answer.contentType, 'content-length': answer.body.length }
    response.writeHead(answer.status, headers).end(answer.body)
  }

  /** Not bound to the attempt that happens to ask first: others may wait for the same answer. */
  async #load(attempt: GatewayAttempt, request: IncomingMessage): Promise<CachedAnswer> {
    const signal = AbortSignal.timeout(30_000)
    await this.#bucket(attempt).take(signal)
    const ask = { method: 'GET', url: request.url ?? '', request, body: null, signal }
    const answer = await askCluster(attempt.cluster, ask)
    const body = Buffer.from(await answer.body.arrayBuffer())
    return { status: answer.statusCode, contentType: String(answer.headers['content-type'] ?? ''), body }
  }

  async #read(exchange: Exchange, beyond: boolean): Promise<void> {
    const ask = this.#ask(exchange, null, exchange.attempt.ended)
    await this.#bucket(exchange.attempt).take(ask.signal)
    await pass(exchange, await askCluster(clusterFor(exchange.attempt, beyond), ask))
  }

  /**
   * The body is taken in whole first: the lease is looked at when all is there and it can leave at once, not when
   * a stopped helm began to speak.
   */
  async #write(exchange: Exchange, admitted: Write): Promise<void> {
    const { attempt, request } = exchange
    const body = await readBody(request, bodyLimit)
    if (body === null) return refuse(exchange, { kind: 'refused', reason: 'too_large', object: admitted.object })
    const { object, beyond } = admitted
    if (beyond && object.name === null && !isGrantedCreate(object, body, attempt.room.granted)) {
      const reason = object.namespace === null ? 'cluster_scoped' : 'outside_namespace'
      return refuse(exchange, { kind: 'refused', reason, object })
    }
    const carriesSecret = isSecret(object) && request.method !== 'DELETE'
    const contentType = request.headers['content-type'] ?? ''
    if (carriesSecret && !this.#wall.admitsSecret(contentType, body, object.name, attempt.room)) {
      const name = object.name ?? nameOfSecret(contentType, body)
      return refuse(exchange, { kind: 'refused', reason: 'forged_record', object: { ...object, name } })
    }
    const says = saysOf(request.method ?? '', contentType)
    const sent = beyond ? body : keepFields(body, object, attempt.keeps, says)
    const ends = AbortSignal.any([attempt.ended, attempt.lease.signal, attempt.overtaken])
    const ask = this.#ask(exchange, sent, ends)
    if (request.method === 'DELETE' && !beyond) await attempt.beforeDelete(object)
    await this.#bucket(attempt).take(ask.signal)
    const isRecord = isRecordWrite(object, request, attempt)
    const name = object.name ?? (isRecord ? nameOfSecret(contentType, body) : null)
    const isForeign = isRecord && name !== null && attempt.isForeignRecord(name)
    await attempt.lookAtRecords(isRecord)
    if (isForeign || attempt.overtaken.aborted)
      return refuse(exchange, { kind: 'refused', reason: 'overtaken', object })
    if (!attempt.mayWrite()) return refuse(exchange, { kind: 'refused', reason: 'no_lease', object })
    await this.#send(exchange, { ask, beyond }, isRecord)
    if (object.group === 'apiextensions.k8s.io') this.#cache.forget(attempt.cluster.server.href)
  }

  async #send(exchange: Exchange, { ask, beyond }: Sending, isRecord: boolean): Promise<void> {
    const { attempt } = exchange
    const ended = ask.url.includes('dryRun=') ? () => {} : attempt.writeBegins(isRecord)
    const answer = await askCluster(clusterFor(attempt, beyond), ask).catch((error: unknown) => {
      ended(wasNeverSent(error) ? 'nothing' : 'uncertain')
      throw error
    })
    const outcome = outcomeOf(answer.statusCode)
    ended(outcome)
    if (isRecord && ask.method === 'POST' && outcome === 'applied') attempt.noteRecordMade()
    await pass(exchange, answer)
  }

  #ask({ request, response }: Exchange, body: Buffer | null, signal: AbortSignal): UpstreamRequest {
    const gone = new AbortController()
    response.once('close', () => {
      if (!response.writableFinished) gone.abort()
    })
    const either = AbortSignal.any([signal, gone.signal])
    return { method: request.method ?? '', url: request.url ?? '', request, body, signal: either }
  }

  /**
   * Helm itself may have gone, or the lease been lost in the middle; what remains is to helm a cluster that does not
   * answer, and the log says what it was: the network, a credential plugin, or a fault of ours.
   */
  #failed(exchange: Exchange, error: unknown): void {
    const { attempt, request, response } = exchange
    if (response.destroyed || attempt.ended.aborted) response.destroy()
    else if (attempt.overtaken.aborted) refuse(exchange, { kind: 'refused', reason: 'overtaken', object: null })
    else if (attempt.lease.signal.aborted) refuse(exchange, { kind: 'refused', reason: 'no_lease', object: null })
    else {
      attempt.noteUnreachable()
      answerStatus(response, 503, 'ServiceUnavailable', 'flotilla gateway: the cluster does not answer')
      const path = withoutName(request.url ?? '')
      this.#log.warn({ err: error, method: request.method, path }, 'a request of helm got no answer')
    }
  }

  #bucket(attempt: GatewayAttempt): Bucket {
    const key = attempt.cluster.server.href
    const known = this.#buckets.get(key) ?? new Bucket(this.#rate, this.#clock)
    this.#buckets.set(key, known)
    return known
  }
}

/** What is granted beyond the room is asked with Flotilla's own rights: the tenant has none there (docs/adr/0021). */
const clusterFor = (attempt: GatewayAttempt, beyond: boolean): ClusterEndpoint =>
  beyond ? attempt.beyond : attempt.cluster

/** Hands an answer to helm; what it refuses is kept to explain helm's error. */
function pass({ attempt, request, response }: Exchange, answer: UpstreamAnswer): Promise<void> {
  return passAnswer(answer, response, (body) => {
    const refused = refusedAnswer(request.method ?? '', request.url ?? '', answer.statusCode, body)
    if (refused !== null) attempt.noteRefusedAnswer(refused)
  })
}

function refuse({ attempt, request, response }: Exchange, refused: Refused): void {
  attempt.noteRefusal(request.method ?? '', refused)
  answerRefusal(response, refused.reason)
}

function isRecordWrite(object: Write['object'], request: IncomingMessage, attempt: GatewayAttempt): boolean {
  if (!isSecret(object)) return false
  if (object.name !== null) return isRecordOf(attempt.room.release, object.name)
  return request.headers['content-type']?.startsWith('application/vnd.kubernetes.protobuf') ?? false
}

const throughCollection = /^(?:\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/[^/]+)?\/[^/]+/

/** Where a request goes, but not to which object: a chart may have made its name of a secret. */
function withoutName(url: string): string {
  const path = url.split('?', 1)[0] ?? ''
  const collection = throughCollection.exec(path)?.[0] ?? path
  return collection === path ? path : `${collection}/*`
}

/** A server's error may come after the change. */
function outcomeOf(status: number): 'applied' | 'nothing' | 'uncertain' {
  if (status >= 500) return 'uncertain'
  return status >= 200 && status < 300 ? 'applied' : 'nothing'
}
