/** An answer of the server, with its body as JSON where it is JSON. */
export type Answer<T> = {
  readonly status: number
  readonly headers: Headers
  readonly body: T
  readonly text: string
}
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export type Headed = Readonly<Record<string, string>>

export type Problem = {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly errors?: readonly { readonly pointer: string; readonly message: string }[]
  readonly operationId?: string
}
export type Release = {
  readonly id: string
  readonly tenantId: string
  readonly releaseName: string
  readonly namespace: string
  readonly chartName: string
  readonly chartVersion: string
  readonly attemptedChartVersion: string | null
  readonly status: string
  readonly revision: number
  readonly valuesOverride?: Readonly<Record<string, unknown>>
}
export type Operation = {
  readonly id: string
  readonly kind: string
  readonly releaseId: string | null
  readonly parentId: string | null
  readonly status: string
  readonly result: unknown
  readonly error: { readonly code: string } | null
  readonly performedBy: string
  readonly createdAt: string
  readonly startedAt: string | null
  readonly endedAt: string | null
}
export type Batch = {
  readonly targetVersion: string
  readonly upgraded: readonly Release[]
  readonly failed: readonly { readonly release: Release; readonly code: string; readonly operationId: string }[]
  readonly skipped: readonly { readonly release: Release; readonly reason: string }[]
}

/** One caller of the API: paths begin behind `/api/v1` unless they are whole. */
export class Api {
  readonly #url: () => string
  readonly #key: string

  constructor(url: () => string, key: string) {
    this.#url = url
    this.#key = key
  }

  get<T>(path: string, headers: Headed = {}): Promise<Answer<T>> {
    return this.send<T>('GET', path, undefined, headers)
  }

  post<T>(path: string, body?: unknown, headers: Headed = {}): Promise<Answer<T>> {
    return this.send<T>('POST', path, body, headers)
  }

  async send<T>(method: Method, path: string, body?: unknown, headers: Headed = {}): Promise<Answer<T>> {
    const answer = await this.raw(method, path, {
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    const json = answer.headers.get('content-type')?.includes('json') === true
    return { status: answer.status, headers: answer.headers, text, body: (json ? JSON.parse(text) : text) as T }
  }

  /** The answer as it comes, for streams and for what is no JSON. */
  raw(method: Method, path: string, init: RequestInit = {}): Promise<Response> {
    const url = path.startsWith('/api/') ? `${this.#url()}${path}` : `${this.#url()}/api/v1${path}`
    return fetch(url, { ...init, method, headers: { authorization: `Bearer ${this.#key}`, ...init.headers } })
  }
}

/** What the answer must be, or a failure that shows what it was. */
export function expectStatus<T>(answer: Answer<T>, status: number): T {
  if (answer.status !== status) throw new Error(`answered ${answer.status} in place of ${status}: ${answer.text}`)
  return answer.body
}
