import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { type Resource, resources } from '../../../src/infra/kubernetes/index.ts'
import { type Answer, Api, ok } from './api.ts'
import { writeCharts } from './charts.ts'
import { ClusterView } from './cluster-view.ts'
import { type Flotilla, removeFlotilla, startFlotilla } from './flotilla.ts'
import { Hand } from './hand.ts'
import { OperationHandle, type Release, ReleaseHandle } from './releases.ts'

/** A running Flotilla with the sample charts and the test charts, its practice cluster, and another hand. */
export type World = {
  readonly flotilla: Flotilla
  readonly api: Api
  readonly cluster: ClusterView
  readonly hand: Hand
  /** The folder of the test charts: `NAME/VERSION`. */
  readonly charts: string
  /** A tenant and a namespace that no other test uses. */
  place(): Place
  /** Something cluster-wide of this test's own, which goes at the end from a cluster that stays. */
  owns(resource: Resource, name: string): void
  /**
   * Kills the server, and with it its practice cluster if it has one, and starts both again where they were; `meanwhile`
   * is what happens in between, on a cluster that stays.
   */
  restarted(meanwhile?: () => Promise<void>): Promise<World>
  close(): Promise<void>
}

/** Starts one, once a test file: call it in `beforeAll`. */
export async function openWorld(env: Readonly<Record<string, string>> = {}): Promise<World> {
  const charts = await writeCharts()
  const settings = { CHART_FOLDERS: charts, ...env }
  const world = worldOf(await startFlotilla({ env: settings }), charts, settings, [])
  const source = { name: 'test-charts', type: 'folder', url: charts, priority: 200 }
  ok(await world.api.post('/chart-sources', source), 201)
  return world
}

type Owned = { readonly resource: Resource; readonly name: string }

/** What is left on a cluster that stays is followed by every server that is started on it: files would get slower and slower. */
async function removeAll({ client }: ClusterView, owned: readonly Owned[]): Promise<void> {
  if (process.env.CONTRACT_KUBECONFIG === undefined) return
  await Promise.allSettled(owned.map(({ resource, name }) => client.delete(resource, { name })))
}

function worldOf(flotilla: Flotilla, charts: string, env: Readonly<Record<string, string>>, owned: Owned[]): World {
  const api = new Api(flotilla.url, flotilla.adminKey)
  const cluster = new ClusterView(flotilla.kubeconfig)
  const hand = new Hand(flotilla.kubeconfig)
  const restarted = async (meanwhile = async () => {}) => {
    await flotilla.kill()
    await meanwhile()
    hand.remove()
    await cluster.close()
    return worldOf(await startFlotilla({ home: flotilla.home, env }), charts, env, owned)
  }
  const close = async () => {
    hand.remove()
    await removeAll(cluster, owned)
    await cluster.close()
    await removeFlotilla(flotilla)
    await rm(charts, { recursive: true, force: true })
  }
  const owns = (resource: Resource, name: string) => void owned.push({ resource, name })
  const place = () => {
    const made = new Place(api)
    owns(resources.namespaces, made.namespace)
    return made
  }
  return { flotilla, api, cluster, hand, charts, place, owns, restarted, close }
}

/** Where a test installs: a tenant of its own with one namespace. */
export class Place {
  readonly #api: Api
  readonly tenantId: string
  readonly namespace: string

  constructor(api: Api, tenantId: string = randomUUID()) {
    this.#api = api
    this.tenantId = tenantId
    this.namespace = `t-${tenantId.slice(0, 13)}`
  }

  /** The same place, asked for of another server or with another key. */
  at(api: Api): Place {
    return new Place(api, this.tenantId)
  }

  /** A complete install request: the chart `plain` 1.0.0 as `app`, unless `more` says otherwise. */
  request(more: object = {}) {
    const { tenantId, namespace } = this
    return { tenantId, namespace, releaseName: 'app', chartName: 'plain', chartVersion: '1.0.0', ...more }
  }

  install(more: object = {}): Promise<Answer<Release>> {
    return this.#api.post('/helm/releases', this.request(more))
  }

  /** Given an installed release. */
  async installed(more: object = {}): Promise<ReleaseHandle> {
    return this.handle(ok(await this.install(more), 201))
  }

  /** Given an install that runs. */
  async installing(more: object = {}): Promise<{ release: ReleaseHandle; operation: OperationHandle }> {
    const headers = { prefer: 'respond-async' }
    const answer = await this.#api.post<{ operationId: string }>('/helm/releases', this.request(more), headers)
    const operation = new OperationHandle(this.#api, ok(answer, 202).operationId)
    return { release: await this.handleOf((await operation.read()).releaseId ?? ''), operation }
  }

  async handleOf(id: string): Promise<ReleaseHandle> {
    return this.handle(ok(await this.#api.get<Release>(`/helm/releases/${id}`)))
  }

  handle(release: Pick<Release, 'id' | 'namespace' | 'releaseName'>): ReleaseHandle {
    return new ReleaseHandle(this.#api, release)
  }

  /** All releases of the tenant, as its list shows them. */
  async list(query = ''): Promise<readonly Release[]> {
    return ok(await this.#api.get<readonly Release[]>(`/helm/releases/tenant/${this.tenantId}${query}`))
  }
}
