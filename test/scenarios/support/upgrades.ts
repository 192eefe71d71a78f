import { randomUUID } from 'node:crypto'
import { type Answer, type Api, ok } from './api.ts'
import { eventually, type Patience } from './eventually.ts'
import type { StoredEvent } from './releases.ts'

export type UpgradeInstance = {
  readonly id: string
  readonly index: number
  readonly status: string
  readonly version: string | null
  readonly origin: string
  readonly currentPod: string | null
  readonly previousPods: readonly string[]
  readonly unchanged: boolean
  readonly message: string | null
  readonly startedAt: string | null
  readonly endedAt: string | null
}

/** An upgrade execution as the API answers it (SPEC section 5, "Answers"). */
export type Execution = {
  readonly id: string
  readonly tenantId: string
  readonly componentId: string
  readonly fromVersionId: string
  readonly toVersionId: string
  readonly strategy: string
  readonly totalInstances: number
  readonly currentInstances: number
  readonly canaryInstances: number
  readonly currentBatch: number
  readonly status: string
  readonly statusReason: string | null
  readonly waitingFor: { readonly reason: string; readonly until: string | null; readonly detail?: string } | null
  readonly target: { readonly kind: string; readonly [more: string]: unknown }
  readonly progress: Readonly<Record<'total' | 'pending' | 'inFlight' | 'completed' | 'failed' | 'rolledBack', number>>
  readonly instances: readonly UpgradeInstance[]
  readonly checks: readonly { readonly name: string; readonly phase: string; readonly status: string }[]
  readonly warnings: readonly { readonly code: string; readonly message: string }[]
  readonly rollbackInfo: {
    readonly autoRollbackEnabled: boolean
    readonly failureThreshold: number
    readonly currentFailures: number
    readonly rollbackReason: string | null
    readonly rollbackInitiatedAt: string | null
    readonly rollbackInitiatedBy: string | null
    readonly rolledBackInstances: readonly string[]
  }
  readonly transitions: readonly {
    readonly from: string
    readonly to: string
    readonly by: string
    readonly reason: string | null
  }[]
  readonly approvals: readonly { readonly by: string; readonly batch: number }[]
  readonly rehearsal: boolean
  readonly initiatedBy: string
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly [more: string]: unknown
}

export const upgradeCommands = ['start', 'pause', 'resume', 'promote-canary', 'rollback', 'cancel'] as const
export type UpgradeCommand = (typeof upgradeCommands)[number]

/** One execution by its id, with every command on it. */
export class UpgradeHandle {
  readonly #api: Api
  readonly id: string

  constructor(api: Api, { id }: Pick<Execution, 'id'>) {
    this.#api = api
    this.id = id
  }

  get path(): string {
    return `/registry/upgrades/${this.id}`
  }

  send(command: UpgradeCommand, query = '', body: object = {}): Promise<Answer<Execution>> {
    return this.#api.post(`${this.path}/${command}${query}`, body)
  }

  async give(command: UpgradeCommand, query = '', body: object = {}): Promise<Execution> {
    return ok(await this.send(command, query, body), 202)
  }

  async read(): Promise<Execution> {
    return ok(await this.#api.get<Execution>(this.path))
  }

  async events(): Promise<readonly StoredEvent[]> {
    return ok(await this.#api.get<readonly StoredEvent[]>(`${this.path}/events?sort=seq`))
  }

  /** Waits until the execution is as wanted, and answers it. */
  until(what: string, wanted: (execution: Execution) => boolean, patience: Patience = {}): Promise<Execution> {
    return eventually(
      `execution ${this.id}: ${what}`,
      async () => {
        const execution = await this.read()
        if (!wanted(execution)) throw new Error(JSON.stringify({ ...execution, instances: short(execution) }))
        return execution
      },
      patience,
    )
  }

  untilStatus(status: string, patience: Patience = {}): Promise<Execution> {
    return this.until(status, (execution) => execution.status === status, patience)
  }
}

const short = ({ instances }: Execution) => instances.map(({ status, version, message }) => [status, version, message])

/** A component in the registry, with its versions and the steps between them. */
export type RegisteredComponent = {
  readonly id: string
  readonly name: string
  /** The id of a version by its number. */
  readonly versions: Readonly<Record<string, string>>
}

/** Registers a component with versions, and an edge from each to the next. Charts are at the same numbers. */
export async function registerComponent(
  api: Api,
  more: object = {},
  numbers: readonly string[] = ['1.0.0', '1.1.0', '1.2.0'],
): Promise<RegisteredComponent> {
  const name = `component-${randomUUID().slice(0, 13)}`
  const make = async (path: string, body: object) =>
    ok(await api.post<{ id: string }>(`/registry${path}`, body), 201).id
  const id = await make('/components', { name, category: 'TESTED', chartName: 'plain', ...more })
  const ids: string[] = []
  for (const version of numbers) {
    ids.push(await make(`/components/${id}/versions`, { version, status: 'STABLE' }))
    const [before, now] = ids.slice(-2)
    if (before !== undefined && now !== undefined)
      await make('/upgrade-paths', { fromVersionId: before, toVersionId: now, tested: true })
  }
  return { id, name, versions: Object.fromEntries(numbers.map((number, n) => [number, ids[n] ?? ''])) }
}

/** A request to upgrade the component from its first version to the second, quickly. */
export function upgradeRequest(component: RegisteredComponent, more: object = {}): object {
  const [from, to] = Object.values(component.versions)
  return {
    componentId: component.id,
    fromVersionId: from,
    toVersionId: to,
    batchDelaySeconds: 0,
    healthCheckIntervalSeconds: 1,
    healthCheckTimeoutSeconds: 10,
    ...more,
  }
}

/** The same as a rehearsal, with these faults. */
export const rehearsalRequest = (component: RegisteredComponent, more: object = {}, faults: object = {}): object =>
  upgradeRequest(component, { target: { kind: 'rehearsal', faults: { readySeconds: 0, ...faults } }, ...more })

export const initiate = (api: Api, tenantId: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
  api.post<Execution>(`/registry/tenants/${tenantId}/upgrades`, body, headers)

/** Given an execution that is PENDING. */
export async function initiated(api: Api, tenantId: string, body: object): Promise<UpgradeHandle> {
  return new UpgradeHandle(api, ok(await initiate(api, tenantId, body), 201))
}

/** Given one that has been started. */
export async function started(api: Api, tenantId: string, body: object): Promise<UpgradeHandle> {
  const execution = await initiated(api, tenantId, body)
  await execution.give('start')
  return execution
}

/** A tenant that has a place to stay. */
export async function registerTenant(api: Api): Promise<string> {
  const id = randomUUID()
  ok(await api.post('/tenants', { id, name: id, namespaces: [`t-${id.slice(0, 13)}`] }), 201)
  return id
}
