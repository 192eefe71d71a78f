import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { startPracticeClusterProcess } from '@flotilla/practice-cluster'
import type { Dispatcher } from 'undici'
import type { Clock } from '../../../src/core/instant.ts'
import { isJsonObject, type Json, type JsonObject } from '../../../src/core/json.ts'
import {
  type ClusterEndpoint,
  closeWorkspace,
  Gateway,
  HelmProcess,
  listRecords,
  openWorkspace,
  type RunContext,
  readRevision,
  type StoredRecord,
} from '../../../src/infra/helm/index.ts'
import { packTgz } from '../../../src/infra/tgz.ts'
import { testedHelm } from '../../support/tested-helm.ts'
import { endpointOf } from './endpoint.ts'

export const clock: Clock = {
  now: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}

export type World = Awaited<ReturnType<typeof openWorld>>

/** Helm with everything around it, on the cluster of `CONTRACT_KUBECONFIG` or on a practice cluster of its own. */
export async function openWorld() {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-helm-'))
  const given = process.env.CONTRACT_KUBECONFIG
  const practice = given ? null : await startPracticeClusterProcess({ data: join(folder, 'cluster') })
  const cluster = endpointOf(given ?? practice?.kubeconfig ?? '')
  const gateway = await Gateway.open({ clock })
  const workspace = await openWorkspace(join(folder, 'work'))
  const binary = await testedHelm()
  const helm = new HelmProcess({ binary, gateway, workspace, clock })
  const close = async () => {
    await gateway.close()
    await closeWorkspace(workspace)
    await cluster.close()
    await practice?.stop()
    await rm(folder, { recursive: true, force: true })
  }
  return { cluster, helm, gateway, workspace, binary, close }
}

let namespaces = 0
/** Makes a namespace that no other test uses. */
export async function newNamespace(cluster: ClusterEndpoint, prefix: string): Promise<string> {
  const name = `${prefix}-${process.pid}-${Date.now().toString(36)}-${namespaces++}`
  await api(cluster, 'POST', '/api/v1/namespaces', { metadata: { name } })
  return name
}

/** Speaks to the cluster directly, as another hand would. */
export async function api(
  cluster: ClusterEndpoint,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: JsonObject,
) {
  const answer = await cluster.dispatcher.request({
    origin: cluster.server.origin,
    path,
    method,
    headers: { ...(await cluster.headers()), 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  })
  return { status: answer.statusCode, body: (await answer.body.json()) as Json }
}

/** What lies at a path of keys, if anything. */
export const at = (json: Json | undefined, ...keys: readonly string[]): Json | undefined =>
  keys.reduce<Json | undefined>((inner, key) => (isJsonObject(inner) ? inner[key] : undefined), json)

/** Packs a chart that lies in a folder. */
export async function packFolder(name: string, folder: string): Promise<{ bytes: Uint8Array }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const read = files.map(async (file) => [`${name}/${relative(folder, file)}`, await readFile(file)] as const)
  return { bytes: packTgz(new Map(await Promise.all(read))) }
}

export const shop = () => packFolder('shop', join(import.meta.dirname, 'charts', 'shop'))
export const everything = () => packFolder('everything', join(import.meta.dirname, 'charts', 'everything'))
export const attack = (name: string) => packFolder(name, join(import.meta.dirname, '..', '..', 'attacks', name))

/** A lease that holds until it is told otherwise. */
export function testLease() {
  const controller = new AbortController()
  let leftMs = 60_000
  return {
    signal: controller.signal,
    remainingMs: () => leftMs,
    lose: () => controller.abort(),
    /** Over, without its holder having noticed: a stopped worker. */
    expire: () => {
      leftMs = 0
    },
  }
}

export const context = (more: Partial<RunContext> = {}): RunContext => ({
  lease: testLease(),
  signal: new AbortController().signal,
  deadline: Date.now() + 50_000,
  ...more,
})

/** The cluster as it is, but the first request that fits waits before it goes out, until `go` is called. */
export function holding(cluster: ClusterEndpoint, fits: (method: string, path: string) => boolean) {
  const reached = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  let waiting = true
  const request = async (options: Dispatcher.RequestOptions) => {
    if (waiting && fits(options.method, options.path)) {
      waiting = false
      reached.resolve()
      await gate.promise
    }
    return cluster.dispatcher.request(options)
  }
  const dispatcher: Dispatcher = Object.assign(Object.create(cluster.dispatcher), { request })
  const held: ClusterEndpoint = { server: cluster.server, headers: () => cluster.headers(), dispatcher }
  return { cluster: held, reached: reached.promise, go: () => gate.resolve() }
}

/** The helms that run in the workspace, found by their working folder. */
export async function helmsIn(workspaceFolder: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const folders = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')))
  return pids.filter((_, at) => folders[at]?.startsWith(`${workspaceFolder}/`)).map(Number)
}

/** Kills the helm that runs in the workspace, as the kernel would. */
export async function killHelm(workspaceFolder: string): Promise<void> {
  for (const pid of await helmsIn(workspaceFolder)) process.kill(pid, 'SIGKILL')
}

/** Number and status of each revision, in order. */
export async function revisions(cluster: ClusterEndpoint, namespace: string, release: string) {
  const { records, unreadable } = await listRecords(cluster, { namespace, release })
  const sorted = records.toSorted((a, b) => a.version - b.version)
  return [...sorted.map(({ version, status }) => `${version} ${status}`), ...unreadable.map(({ secret }) => secret)]
}

/** The highest revision of a release; null when it has none. */
export async function readNewest(
  cluster: ClusterEndpoint,
  namespace: string,
  release: string,
): Promise<StoredRecord | null> {
  const { records } = await listRecords(cluster, { namespace, release })
  const newest = Math.max(0, ...records.map(({ version }) => version))
  return newest === 0 ? null : readRevision(cluster, namespace, release, newest)
}
