import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { practiceCluster, type TestCluster } from '../../support/cluster.ts'
import { startFlotilla } from '../support/flotilla.ts'
import { Api, expectStatus, type Headed, type Operation, type Release } from './api.ts'
import { writeCharts } from './charts.ts'

/** Three tenants, each with a namespace of its own: `tenant-a` and so on. */
export const tenants = {
  a: 'aaaaaaaa-0000-4000-8000-000000000001',
  b: 'bbbbbbbb-0000-4000-8000-000000000002',
  c: 'cccccccc-0000-4000-8000-000000000003',
} as const
export type Tenant = keyof typeof tenants

/** A running server with three tenants and the test charts, and no release yet. */
export type World = {
  readonly url: string
  readonly home: string
  readonly cluster: TestCluster
  readonly admin: Api
  /** Kills the server (SIGKILL) and starts another on what is left. */
  crash(): Promise<void>
  /** The text of a new API key. */
  key(role: 'tenant-operator' | 'viewer', of: readonly Tenant[]): Promise<string>
  /** The caller with that key. */
  as(key: string): Api
  /** A caller with a new key. */
  caller(role: 'tenant-operator' | 'viewer', of: readonly Tenant[]): Promise<Api>
  install(of: Tenant, releaseName: string, chartVersion: string, more?: object): Promise<Release>
  stop(): Promise<void>
}

export async function openWorld(env: Headed = {}): Promise<World> {
  const cluster = await practiceCluster({ podReadyMs: 20 })
  const home = await mkdtemp(join(tmpdir(), 'flotilla-fleet-'))
  const charts = join(home, 'charts')
  await mkdir(charts)
  await writeCharts(charts)
  const settings = { KUBECONFIG: cluster.kubeconfig, CHART_FOLDERS: charts, LEASE_SECONDS: '3', ...env }
  const start = () => startFlotilla({ home, env: settings })
  let flotilla = await start()
  const url = () => flotilla.url
  const admin = new Api(url, flotilla.adminKey)
  expectStatus(await admin.post('/chart-sources', { name: 'tests', type: 'folder', url: charts }), 201)
  for (const [name, id] of Object.entries(tenants)) {
    expectStatus(await admin.post('/tenants', { id, name, namespaces: [`tenant-${name}`] }), 201)
  }
  const key: World['key'] = async (role, of) => {
    const wanted = { name: `${role} of ${of.join()}`, role, tenants: of.map((name) => tenants[name]) }
    return expectStatus(await admin.post<{ key: string }>('/api-keys', wanted), 201).key
  }
  return {
    get url() {
      return flotilla.url
    },
    home,
    cluster,
    admin,
    crash: async () => {
      await flotilla.kill()
      flotilla = await start()
    },
    key,
    as: (text) => new Api(url, text),
    caller: async (role, of) => new Api(url, await key(role, of)),
    install: async (of, releaseName, chartVersion, more = {}) => {
      const body = { ...installOf(of, releaseName, chartVersion), ...more }
      return expectStatus(await admin.post<Release>('/helm/releases', body), 201)
    },
    stop: async () => {
      await flotilla.stop()
      await cluster.stop()
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** The body of an install of the chart `small`. */
export function installOf(of: Tenant, releaseName: string, chartVersion: string) {
  return { tenantId: tenants[of], releaseName, namespace: `tenant-${of}`, chartName: 'small', chartVersion }
}

/** Accepted at once, to be looked at while it runs. */
export const later: Headed = { prefer: 'respond-async' }

/** The operation of an answer with 202. */
export async function operationOf(api: Api, operationId: string): Promise<Operation> {
  return expectStatus(await api.get<Operation>(`/operations/${operationId}`), 200)
}
