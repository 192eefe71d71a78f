import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Dispatcher } from 'undici'
import { unlessAborted } from '../../unless-aborted.ts'
import type { ClusterEndpoint } from '../types.ts'

const passedOn = ['accept', 'content-type', 'user-agent'] as const
/** No `location`: redirects are not followed, by helm neither. */
const passedBack = ['content-type', 'content-length', 'retry-after', 'warning'] as const

export type UpstreamRequest = {
  readonly method: string
  readonly url: string
  readonly request: IncomingMessage
  readonly body: Buffer | null
  readonly signal: AbortSignal
}
export type UpstreamAnswer = Dispatcher.ResponseData

/** Sends a request with the cluster's credentials. Rejects when there is no answer. */
export async function askCluster(cluster: ClusterEndpoint, ask: UpstreamRequest): Promise<UpstreamAnswer> {
  const headers: Record<string, string | string[]> = { ...(await unlessAborted(cluster.headers(), ask.signal)) }
  for (const name of passedOn) {
    const value = ask.request.headers[name]
    if (value !== undefined) headers[name] = value
  }
  const asked = cluster.dispatcher.request({
    origin: cluster.server.origin,
    path: basePath(cluster) + ask.url,
    method: ask.method as Dispatcher.HttpMethod,
    headers,
    body: ask.body,
    signal: ask.signal,
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const answer = await unlessAborted(asked, ask.signal)
  if (answer.statusCode === 401) cluster.rejected?.()
  return answer
}

/** Up to this size an answer goes out in one piece, which costs one system call in place of several. */
const small = 64 * 1024

/**
 * Hands the answer to helm: a small one whole, any other (a watch, an error) as it comes and at helm's pace. `onError` gets the
 * body of an error before helm has the whole of it; an empty one in place of one that is longer than is kept.
 */
export async function passAnswer(
  answer: UpstreamAnswer,
  response: ServerResponse,
  onError: (body: Buffer) => void,
): Promise<void> {
  response.writeHead(answer.statusCode, answerHeaders(answer))
  const length = Number(answer.headers['content-length'] ?? Number.POSITIVE_INFINITY)
  const isError = answer.statusCode >= 400
  if (length <= small && !isError) return void response.end(Buffer.from(await answer.body.arrayBuffer()))
  // A watch may stay silent for long, and a proxy's error stall: helm must see at once that it has begun.
  response.flushHeaders()
  if (isError) await pipeline(answer.body, (body) => keptHead(body, length, onError), response)
  else await pipeline(answer.body, response)
}

/** Passes a body through, and tells it when `length` bytes are there, or it has ended, or is too long. */
async function* keptHead(body: AsyncIterable<Buffer>, length: number, tell: (body: Buffer) => void) {
  let kept: Buffer[] | null = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > small && kept !== null) kept = [Buffer.alloc(0)]
    else kept?.push(chunk)
    if (kept !== null && size >= Math.min(length, small + 1)) {
      tell(Buffer.concat(kept))
      kept = null
    }
    yield chunk
  }
  if (kept !== null) tell(Buffer.concat(kept))
}

export function answerHeaders(answer: UpstreamAnswer): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {}
  for (const name of passedBack) {
    const value = answer.headers[name]
    if (value !== undefined) headers[name] = value
  }
  return headers
}

const unsent = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']

/** True when the error says that the request never left. */
export function wasNeverSent(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return unsent.includes(code)
}

const basePath = (cluster: ClusterEndpoint): string => cluster.server.pathname.replace(/\/+$/, '')
