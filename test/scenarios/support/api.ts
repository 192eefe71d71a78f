/** An answer of the API. `body` is what its route promises; `problem` and `ok` look before they believe it. */
export type Answer<T> = { readonly status: number; readonly headers: Headers; readonly body: T }

/** A problem of RFC 9457, with what Flotilla adds to a failed operation. */
export type ProblemBody<T = unknown> = {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly errors?: readonly { readonly pointer: string; readonly message: string }[]
  readonly operationId?: string
  readonly release?: T
  readonly evidence?: unknown
  readonly [more: string]: unknown
}

export type Asking = {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** A client of the public API with one key, as a person's script has it. */
export class Api {
  readonly url: string
  readonly key: string

  constructor(url: string, key: string) {
    this.url = url
    this.key = key
  }

  get<T>(path: string, asking: Asking = {}): Promise<Answer<T>> {
    return this.ask('GET', path, asking)
  }

  post<T>(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer<T>> {
    return this.ask('POST', path, { body, headers })
  }

  delete<T>(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer<T>> {
    return this.ask('DELETE', path, { headers })
  }

  async ask<T>(method: string, path: string, asking: Asking): Promise<Answer<T>> {
    const answer = await this.raw(method, path, asking)
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, body: (text === '' ? null : JSON.parse(text)) as T }
  }

  /** The answer as it comes, for streams. Paths are below `/api/v1`. */
  raw(method: string, path: string, { body, headers, signal }: Asking): Promise<Response> {
    return fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    })
  }
}

/** The body of an answer that must have this status. */
export function ok<T>(answer: Answer<T>, status = 200): T {
  if (answer.status !== status) throw new Error(`${answer.status}, not ${status}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

/** The problem of an answer that must be this one. */
export function problem<T>(answer: Answer<T>, status: number, code: string): ProblemBody<T> {
  const body = answer.body as ProblemBody<T>
  if (answer.status === status && body.code === code) return body
  throw new Error(`${answer.status} ${body?.code}, not ${status} ${code}: ${JSON.stringify(body)}`)
}
