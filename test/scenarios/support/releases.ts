import { type Answer, type Api, ok, problem } from './api.ts'
import { eventually } from './eventually.ts'

/** A release as the API answers it (SPEC section 3, "A release"). */
export type Release = {
  readonly id: string
  readonly tenantId: string
  readonly releaseName: string
  readonly namespace: string
  readonly chartName: string
  readonly chartVersion: string
  readonly attemptedChartVersion: string | null
  readonly appVersion: string | null
  readonly status: string
  readonly revision: number
  readonly valuesOverride: Readonly<Record<string, unknown>>
  readonly description: string | null
  readonly health: { readonly ready: number; readonly total: number } | null
  readonly currentOperationId: string | null
  readonly waitingFor: { readonly reason: string; readonly until: string | null; readonly detail?: string } | null
  readonly executionId: string | null
  readonly frozen: { readonly executionId: string; readonly versions: Readonly<Record<string, number>> } | null
  readonly pendingBy: string | null
  readonly leftovers: readonly { readonly kind: string; readonly name: string; readonly why: string }[]
  readonly performedBy: string
  readonly createdAt: string
  readonly updatedAt: string
}

export type HistoryEntry = {
  readonly revision: number
  readonly chartVersion: string
  readonly appVersion: string | null
  readonly status: string
  readonly description: string | null
  readonly performedBy: string
  readonly current: boolean
}

export type Operation = {
  readonly id: string
  readonly kind: string
  readonly releaseId: string | null
  readonly status: 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED'
  readonly waitingFor: Release['waitingFor']
  readonly result: {
    readonly overwritten?: readonly { readonly field: string; readonly live: unknown; readonly wanted: unknown }[]
    readonly overwrittenIncomplete?: string
  } | null
  readonly error: { readonly code: string; readonly detail: string; readonly evidence?: unknown } | null
  readonly performedBy: string
  readonly reason: string | null
  readonly endedAt: string | null
}

/** What a failed operation tells its tenant. */
export type Evidence = {
  readonly helm: string | null
  readonly conflicts: readonly object[]
  readonly pods: {
    readonly workloads: readonly { readonly object: string; readonly reason: string }[]
    readonly pods: readonly {
      readonly name: string
      readonly phase: string
      readonly containers: readonly { readonly log: readonly string[] }[]
      readonly events: readonly object[]
    }[]
  } | null
}

export type Diff = { readonly values: string; readonly manifest: string; readonly hash: string }
export type Revision = {
  readonly revision: number
  readonly chartVersion: string
  readonly status: string
  readonly values: Readonly<Record<string, unknown>>
  readonly manifest: string
}
export type StoredEvent = { readonly id: string; readonly seq: number; readonly type: string; readonly data: object }

const asynchronous = { prefer: 'respond-async' }

/** One release by its id, with every command on it. */
export class ReleaseHandle {
  readonly #api: Api
  readonly id: string
  readonly namespace: string
  readonly name: string

  constructor(api: Api, release: Pick<Release, 'id' | 'namespace' | 'releaseName'>) {
    this.#api = api
    this.id = release.id
    this.namespace = release.namespace
    this.name = release.releaseName
  }

  get path(): string {
    return `/helm/releases/${this.id}`
  }

  upgrade(body: object, headers: Readonly<Record<string, string>> = {}): Promise<Answer<Release>> {
    return this.#api.post(`${this.path}/upgrade`, body, headers)
  }

  preview(body: object): Promise<Answer<Diff>> {
    return this.#api.post(`${this.path}/upgrade?dryRun=true`, body)
  }

  rollback(targetRevision: number, more: object = {}): Promise<Answer<Release>> {
    return this.#api.post(`${this.path}/rollback`, { targetRevision, ...more })
  }

  rollbackToLastSuccessful(more: object = {}): Promise<Answer<Release>> {
    return this.#api.post(`${this.path}/rollback/last-successful`, more)
  }

  uninstall(
    query: { readonly reason?: string; readonly timeout?: string; readonly hooks?: string } = {},
  ): Promise<Answer<Release>> {
    return this.#api.delete(`${this.path}?${new URLSearchParams(query)}`)
  }

  recover(
    body: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer<{ readonly action: string; readonly release: Release }>> {
    return this.#api.post(`${this.path}/recover`, body, headers)
  }

  /** Sends a command with `Prefer: respond-async`; answers its operation. */
  async begin(method: 'POST' | 'DELETE', command: string, body?: object): Promise<OperationHandle> {
    const answer = await this.#api.ask<{ operationId: string }>(method, `${this.path}${command}`, {
      ...(body === undefined ? {} : { body }),
      headers: asynchronous,
    })
    return new OperationHandle(this.#api, ok(answer, 202).operationId)
  }

  async read(): Promise<Release> {
    return ok(await this.#api.get<Release>(this.path))
  }

  async history(): Promise<readonly HistoryEntry[]> {
    return ok(await this.#api.get<readonly HistoryEntry[]>(`${this.path}/history`))
  }

  /** The history in short, newest first: `2 DEPLOYED`. */
  async verdicts(): Promise<readonly string[]> {
    return (await this.history()).map(({ revision, status }) => `${revision} ${status}`)
  }

  revision(revision: number): Promise<Answer<Revision>> {
    return this.#api.get(`${this.path}/revisions/${revision}`)
  }

  diff(from: number, to: number): Promise<Answer<Diff>> {
    return this.#api.get(`${this.path}/revisions/diff?from=${from}&to=${to}`)
  }

  /** Its events, the oldest first. */
  async events(): Promise<readonly StoredEvent[]> {
    return ok(await this.#api.get<readonly StoredEvent[]>(`${this.path}/events?sort=seq`))
  }

  /** Waits until the release is as wanted, and answers it. */
  until(what: string, wanted: (release: Release) => boolean): Promise<Release> {
    return eventually(`${this.name}: ${what}`, async () => {
      const release = await this.read()
      if (!wanted(release)) throw new Error(JSON.stringify(release))
      return release
    })
  }

  untilStatus(status: string): Promise<Release> {
    return this.until(status, (release) => release.status === status)
  }
}

/** One operation by its id. */
export class OperationHandle {
  readonly #api: Api
  readonly id: string

  constructor(api: Api, id: string) {
    this.#api = api
    this.id = id
  }

  async read(): Promise<Operation> {
    return ok(await this.#api.get<Operation>(`/operations/${this.id}`))
  }

  cancel(): Promise<Answer<Operation>> {
    return this.#api.post(`/operations/${this.id}/cancel`, {})
  }

  until(what: string, wanted: (operation: Operation) => boolean): Promise<Operation> {
    return eventually(`operation ${this.id}: ${what}`, async () => {
      const operation = await this.read()
      if (!wanted(operation)) throw new Error(JSON.stringify(operation))
      return operation
    })
  }

  ended(): Promise<Operation> {
    return this.until('ended', ({ endedAt }) => endedAt !== null)
  }
}

/** The release in a refusal or a failure, which must be this one. */
export function failure(answer: Answer<Release>, code: string) {
  const { release, operationId, ...rest } = problem(answer, 422, code)
  if (release === undefined || operationId === undefined) throw new Error(`${code}: without release or operationId`)
  return { ...rest, release, operationId }
}
