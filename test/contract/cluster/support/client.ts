import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { createInterface } from 'node:readline'

/** A JSON object of which a test knows the shape. */
export type Body = {
  readonly apiVersion?: string
  readonly kind: string
  readonly metadata: Metadata
  readonly spec?: Record<string, unknown>
  readonly status?: unknown
  readonly data?: Record<string, string>
  readonly message?: string
  readonly reason?: string
  readonly code?: number
  readonly details?: {
    readonly name?: string
    readonly kind?: string
    readonly causes?: readonly Record<string, string>[]
  }
  readonly items: readonly Body[]
  readonly [field: string]: unknown
}

export type Metadata = {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation?: number
  readonly labels?: Record<string, string>
  readonly annotations?: Record<string, string>
  readonly deletionTimestamp?: string
  readonly finalizers?: readonly string[]
  readonly ownerReferences?: readonly unknown[]
  readonly continue?: string
  readonly remainingItemCount?: number
  readonly managedFields?: readonly {
    readonly manager: string
    readonly operation: string
    readonly subresource?: string
    readonly fieldsV1: Record<string, unknown>
  }[]
}

export type Reply = {
  readonly status: number
  readonly body: Body
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

export type WatchEvent = { readonly type: string; readonly object: Body }

const MEDIA = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const

type Sent = {
  readonly method: string
  readonly body?: unknown
  readonly type?: string
  readonly accept?: string
  readonly token?: string
  readonly ifNoneMatch?: string
  /** The headers by which a caller acts as somebody else. */
  readonly impersonate?: Impersonation
}

/** Whom a caller acts as. */
export type Impersonation = { readonly user?: string; readonly groups?: readonly string[] }

/** The little of an HTTP client that the suite needs. */
export class ApiClient {
  readonly #server: string
  readonly #token: string
  readonly #agent: Agent

  constructor(server: string, token: string, ca: string | undefined) {
    this.#server = server
    this.#token = token
    this.#agent = new Agent({ keepAlive: true, ...(ca === undefined ? { rejectUnauthorized: false } : { ca }) })
  }

  get = (path: string, accept = 'application/json'): Promise<Reply> => this.send(path, { method: 'GET', accept })
  post = (path: string, body: unknown): Promise<Reply> => this.send(path, { method: 'POST', body })
  put = (path: string, body: unknown): Promise<Reply> => this.send(path, { method: 'PUT', body })
  delete = (path: string, body?: unknown): Promise<Reply> => this.send(path, { method: 'DELETE', body })
  patch = (path: string, kind: keyof typeof MEDIA, body: unknown): Promise<Reply> =>
    this.send(path, { method: 'PATCH', body, type: MEDIA[kind] })

  async send(path: string, sent: Sent): Promise<Reply> {
    const response = await this.#open(path, sent)
    const chunks: Buffer[] = []
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    const isJson = text.startsWith('{')
    return {
      status: response.statusCode ?? 0,
      body: (isJson ? JSON.parse(text) : {}) as Body,
      headers: response.headers,
      text,
    }
  }

  /** The events of a watch, one by one, until the server ends it or the caller stops reading. */
  async *watch(path: string, accept = 'application/json'): AsyncGenerator<WatchEvent> {
    const response = await this.#open(path, { method: 'GET', accept })
    try {
      for await (const line of createInterface({ input: response })) yield JSON.parse(line) as WatchEvent
    } finally {
      response.destroy()
    }
  }

  close(): void {
    this.#agent.destroy()
  }

  #open(
    path: string,
    {
      method,
      body,
      type = 'application/json',
      accept = 'application/json',
      token,
      ifNoneMatch,
      impersonate = {},
    }: Sent,
  ): Promise<IncomingMessage> {
    const content = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
    const headers = {
      authorization: `Bearer ${token ?? this.#token}`,
      accept,
      'user-agent': 'contract-suite/1.0',
      ...(ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch }),
      ...(impersonate.user === undefined ? {} : { 'impersonate-user': impersonate.user }),
      ...(impersonate.groups === undefined ? {} : { 'impersonate-group': [...impersonate.groups] }),
      ...(content === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(content) }),
    }
    return new Promise((resolve, reject) => {
      const outgoing = request(this.#server + path, { method, headers, agent: this.#agent }, resolve)
      outgoing.once('error', reject)
      outgoing.end(content)
    })
  }
}

/** The first events that a watch gives, as many as asked for. */
export async function take(events: AsyncGenerator<WatchEvent>, count: number): Promise<WatchEvent[]> {
  const taken: WatchEvent[] = []
  if (count === 0) return taken
  for await (const event of events) {
    taken.push(event)
    if (taken.length === count) break
  }
  return taken
}

/** Everything until the server ends the watch. */
export async function drain(events: AsyncGenerator<WatchEvent>): Promise<WatchEvent[]> {
  return take(events, Number.POSITIVE_INFINITY)
}
