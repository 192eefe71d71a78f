import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts'
import type { ClusterEndpoint } from '../types.ts'

/** No success: an answer of the API server with its own message, or none (status 0). */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

export type JsonRequest = {
  readonly method: 'GET' | 'PUT'
  /** From the root of the API, query included. */
  readonly path: string
  readonly accept?: string
  readonly body?: JsonObject
  readonly signal?: AbortSignal | undefined
}

/** A cluster that is silent for so long does not answer. */
const silenceMs = 20_000

/**
 * Sends one request and reads a JSON object. Throws `ApiError`, with status 0 when no answer came. An answer that is no
 * JSON object is an error too: an empty one would look like "there is nothing".
 */
export async function requestJson(cluster: ClusterEndpoint, ask: JsonRequest): Promise<JsonObject> {
  const { status, body } = await send(cluster, ask)
  const json = parse(body)
  if (status >= 300) throw new ApiError(status, String(json?.message ?? `HTTP ${status}`))
  if (json === null) throw new ApiError(status, 'the cluster answered with something else than JSON')
  return json
}

async function send(cluster: ClusterEndpoint, ask: JsonRequest): Promise<{ status: number; body: string }> {
  try {
    const answer = await cluster.dispatcher.request({
      origin: cluster.server.origin,
      path: cluster.server.pathname.replace(/\/+$/, '') + ask.path,
      method: ask.method,
      headers: {
        ...(await cluster.headers()),
        accept: ask.accept ?? 'application/json',
        ...(ask.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: ask.body === undefined ? null : JSON.stringify(ask.body),
      headersTimeout: silenceMs,
      bodyTimeout: silenceMs,
      ...(ask.signal === undefined ? {} : { signal: ask.signal }),
    })
    if (answer.statusCode === 401) cluster.rejected?.()
    return { status: answer.statusCode, body: await answer.body.text() }
  } catch (error) {
    // Without its words: they hold addresses, and what is waited for is shown to callers.
    throw new ApiError(0, 'the cluster does not answer', { cause: error })
  }
}

function parse(body: string): JsonObject | null {
  try {
    const json: Json = JSON.parse(body)
    return isJsonObject(json) ? json : null
  } catch {
    return null
  }
}
