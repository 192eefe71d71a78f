import type { Dispatcher } from 'undici'
import { unlessAborted } from '../unless-aborted.ts'
import type { ClusterEndpoint } from './types.ts'

export type TransportRequest = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** From the root of the API, query included. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

export type TransportResponse = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Must be read to its end, or left by `return`, which closes the connection. */
  readonly body: AsyncIterable<Uint8Array>
}

/** One HTTP request. Rejects when no answer came; any answer, good or bad, resolves. Tests put faults in its place. */
export type Transport = (request: TransportRequest) => Promise<TransportResponse>

/** The transport of a real cluster. The only time limit is the request's signal, for credentials too. */
export function createTransport(endpoint: ClusterEndpoint): Transport {
  const base = endpoint.server.pathname.replace(/\/+$/, '')
  return async ({ method, path, headers, body, signal }) => {
    // Credentials first: getting them may bring a new client certificate, and with it another dispatcher.
    const credentials = await unlessAborted(endpoint.headers(), signal)
    const asked: Promise<Dispatcher.ResponseData> = endpoint.dispatcher.request({
      origin: endpoint.server.origin,
      path: base + path,
      method,
      headers: { ...headers, ...credentials },
      body: body ?? null,
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    const answer = await unlessAborted(asked, signal)
    if (answer.statusCode === 401) endpoint.rejected?.()
    return { status: answer.statusCode, headers: answer.headers, body: answer.body }
  }
}
