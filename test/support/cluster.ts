import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PracticeCluster, startPracticeClusterProcess } from '@flotilla/practice-cluster'
import { systemClock } from '../../src/infra/clock.ts'
import {
  type ClusterClient,
  createClient,
  createEndpoint,
  createTransport,
  loadKubeconfig,
  type OwnedEndpoint,
  resources,
  selectContext,
  type Transport,
} from '../../src/infra/kubernetes/index.ts'

/** A cluster for a test file. Everything that the tests do not make themselves is reached by the kubeconfig. */
export type TestCluster = {
  readonly kubeconfig: string
  readonly endpoint: OwnedEndpoint
  readonly transport: Transport
  readonly client: ClusterClient
  /** Null when the tests run on a cluster that was there before (`CONTRACT_KUBECONFIG`). */
  readonly practice: PracticeCluster | null
  /** Makes a namespace that no other test uses; it goes with the cluster. */
  namespace(prefix?: string): Promise<string>
  /** Kills the practice cluster, as a crash would, and starts it again where it was; another cluster stays as it is. */
  restart(): Promise<void>
  /** Ends what was started. Call it in `afterAll`. */
  stop(): Promise<void>
}

/** Whether pods answer and have logs: of the cluster that is given, nobody knows whether containers run in it. */
export const podsAnswer = process.env.CONTRACT_KUBECONFIG === undefined

let namespaces = 0

/**
 * A practice cluster of its own, as a process with a temporary folder; or the cluster of `CONTRACT_KUBECONFIG`. Call it
 * once a test file, in `beforeAll`.
 */
export async function practiceCluster(options: { readonly podReadyMs?: number } = {}): Promise<TestCluster> {
  const given = process.env.CONTRACT_KUBECONFIG
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-cluster-'))
  const started = { data: folder, podReadyMs: options.podReadyMs ?? 100, onLog: () => {} }
  let practice = given === undefined ? await startPracticeClusterProcess(started) : null
  const kubeconfig = given ?? practice?.kubeconfig ?? ''
  const endpoint = createEndpoint(selectContext(loadKubeconfig(kubeconfig)), systemClock)
  const client = createClient({ endpoint, clock: systemClock })
  const made: string[] = []
  const namespace = async (prefix = 'test'): Promise<string> => {
    const name = `${prefix}-${process.pid}-${Date.now().toString(36)}-${namespaces++}`
    await client.create(resources.namespaces, { metadata: { name } })
    made.push(name)
    return name
  }
  const restart = async (): Promise<void> => {
    if (practice === null) return
    await practice.kill()
    practice = await startPracticeClusterProcess({ ...started, port: practice.port })
  }
  const stop = async (): Promise<void> => {
    if (practice === null) await Promise.all(made.map((name) => client.delete(resources.namespaces, { name })))
    await endpoint.close()
    await practice?.stop()
    await rm(folder, { recursive: true, force: true })
  }
  return { kubeconfig, endpoint, transport: createTransport(endpoint), client, practice, namespace, restart, stop }
}

/** Asks until the answer is as wanted; fails with the last answer when it never is. */
export async function eventually<T>(
  ask: () => Promise<T> | T,
  wanted: (answer: T) => boolean,
  ms = 30_000,
): Promise<T> {
  const end = Date.now() + ms
  for (;;) {
    const answer = await ask()
    if (wanted(answer)) return answer
    if (Date.now() > end) throw new Error(`never as wanted; at last: ${JSON.stringify(answer)}`)
    await systemClock.sleep(50)
  }
}
