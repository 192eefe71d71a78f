import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../support/port.ts'
import { TestbedProcess } from '../support/process.ts'
import { scratchFolder } from '../support/scratch.ts'
import type { Binaries } from './build.ts'
import { type Credentials, makeCredentials } from './credentials.ts'
import { argumentsOf, type Program, programs } from './programs.ts'
import { type Asked, ask } from './readiness.ts'
import { stagesText, storageClass } from './stages.ts'

/** A running cluster: everything that its users need is the kubeconfig, whose user has a token and may do all. */
export type RealCluster = {
  readonly kubeconfig: string
  readonly port: number
  readonly pids: Readonly<Record<Program, number>>
  /** Resolves with one line when a program ends without having been told to. */
  readonly failed: Promise<string>
  /** Ends it and removes all that it has written. */
  stop(): Promise<void>
}

const LONGEST_START_MS = 180_000
const PAUSE_MS = 100
const nodeNames = ['testbed-node-1', 'testbed-node-2', 'testbed-node-3'] as const

/**
 * Starts a control plane and three nodes in a temporary folder, on loopback, and resolves once the nodes are Ready. All
 * of it ends with this process, however that ends. Call it on the main thread.
 * @throws Error with the last words of the program that did not start.
 */
export async function startRealCluster(binaries: Binaries): Promise<RealCluster> {
  const scratch = scratchFolder('flotilla-testbed-')
  const { folder } = scratch
  const running = new Map<Program, TestbedProcess>()
  const stop = async () => {
    await Promise.all([...running.values()].map((each) => each.kill()))
    await scratch.remove()
  }
  try {
    const credentials = await makeCredentials(folder)
    const stages = join(folder, 'stages.yaml')
    writeFileSync(stages, stagesText(), { mode: 0o600 })
    const setting = { credentials, stages, port: await freePort() }
    const start = (name: Program) =>
      running.set(name, new TestbedProcess(name, binaries[name] ?? '', argumentsOf[name](setting), folder))
    const asked = askedOf(credentials, setting.port)
    start('etcd')
    start('kube-apiserver')
    await until('the API server is ready', running, async () => (await ask(asked, 'GET', '/readyz')).status === 200)
    for (const name of programs.slice(2)) start(name)
    await createNodes(asked)
    await createStorageClass(asked)
    await until('its nodes are Ready', running, () => nodesAreReady(asked))
    return { kubeconfig: credentials.kubeconfig('admin', setting.port), port: setting.port, ...seen(running), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const askedOf = ({ adminToken, authority }: Credentials, port: number): Asked => ({
  port,
  token: adminToken,
  authority: readFileSync(authority, 'utf8'),
})

function seen(running: ReadonlyMap<Program, TestbedProcess>): Pick<RealCluster, 'pids' | 'failed'> {
  const pids = Object.fromEntries(programs.map((name) => [name, running.get(name)?.pid ?? 0]))
  return { pids: pids as RealCluster['pids'], failed: Promise.race([...running.values()].map(ended)) }
}

const ended = async (each: TestbedProcess): Promise<string> => `${each.name} ended: ${await each.exited}`

/** Asks until it is so; fails when a program ends meanwhile, or with the log of all when it never is. */
async function until(
  what: string,
  running: ReadonlyMap<Program, TestbedProcess>,
  isSo: () => Promise<boolean>,
): Promise<void> {
  const words = () => [...running.values()].map((each) => `-- ${each.name}\n${each.lastWords()}`).join('\n')
  const failed = Promise.race([...running.values()].map(ended))
  const deadline = performance.now() + LONGEST_START_MS
  for (;;) {
    const answer = await Promise.race([isSo(), failed])
    if (answer === true) return
    if (typeof answer === 'string') throw new Error(`${answer}\n${words()}`)
    if (performance.now() > deadline) throw new Error(`not in time: ${what}\n${words()}`)
    await sleep(PAUSE_MS)
  }
}

async function createNodes(asked: Asked): Promise<void> {
  for (const [index, name] of nodeNames.entries()) {
    const zone = `testbed-${index + 1}`
    const labels = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'topology.kubernetes.io/zone': zone }
    await create(asked, '/api/v1/nodes', { kind: 'Node', metadata: { name, labels } })
  }
}

function createStorageClass(asked: Asked): Promise<void> {
  const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' }
  const metadata = { name: storageClass, annotations }
  return create(asked, '/apis/storage.k8s.io/v1/storageclasses', { metadata, provisioner: 'flotilla.dev/testbed' })
}

async function create(asked: Asked, path: string, object: object): Promise<void> {
  const { status, text } = await ask(asked, 'POST', path, object)
  if (status !== 201) throw new Error(`POST ${path}: ${status} ${text}`)
}

type Nodes = {
  readonly items: readonly { readonly spec: { readonly taints?: unknown }; readonly status: NodeStatus }[]
}
type NodeStatus = { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }

/** Ready, and no longer tainted: pods find a place from then on. */
async function nodesAreReady(asked: Asked): Promise<boolean> {
  const { status, text } = await ask(asked, 'GET', '/api/v1/nodes')
  if (status !== 200) return false
  const { items } = JSON.parse(text) as Nodes
  const isReady = (conditions: NodeStatus['conditions']) =>
    conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false
  return items.every(({ spec, status: { conditions } }) => spec.taints === undefined && isReady(conditions))
}
