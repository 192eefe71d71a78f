import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PracticeCluster, startPracticeClusterProcess } from '@flotilla/practice-cluster'
import { parse } from 'yaml'
import { ApiClient } from './client.ts'

/** A cluster under test: only what a kubeconfig gives. */
export type ClusterUnderTest = {
  readonly kubeconfig: string
  readonly client: ApiClient
  /** Undefined when the suite runs on a cluster that it did not start. */
  readonly practice: PracticeCluster | undefined
  stop(): Promise<void>
}

type Kubeconfig = {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly 'certificate-authority-data'?: string }
  }[]
  readonly users: readonly { readonly user: { readonly token: string } }[]
}

/** The cluster that `CONTRACT_KUBECONFIG` names (its first user has a token), or a practice cluster of its own. */
export async function startCluster(): Promise<ClusterUnderTest> {
  const given = process.env.CONTRACT_KUBECONFIG
  if (given !== undefined) {
    const client = clientOf(given)
    return { kubeconfig: given, client, practice: undefined, stop: async () => client.close() }
  }
  const data = mkdtempSync(join(tmpdir(), 'practice-'))
  const practice = await startPracticeClusterProcess({ data, podReadyMs: 100 })
  const client = clientOf(practice.kubeconfig)
  const stop = async () => {
    client.close()
    await practice.stop()
    rmSync(data, { recursive: true, force: true })
  }
  return { kubeconfig: practice.kubeconfig, client, practice, stop }
}

/** A client with the credentials of a kubeconfig. */
export function clientOf(kubeconfig: string): ApiClient {
  const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig
  const cluster = clusters[0]?.cluster
  const authority = cluster?.['certificate-authority-data']
  const ca = authority === undefined ? undefined : Buffer.from(authority, 'base64').toString()
  return new ApiClient(cluster?.server ?? '', users[0]?.user.token ?? '', ca)
}

let made = 0

/** A namespace of its own for a test. */
export async function freshNamespace({ client }: ClusterUnderTest): Promise<string> {
  made += 1
  const name = `contract-${process.pid}-${Date.now().toString(36)}-${made}`
  const created = await client.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  if (created.status !== 201) throw new Error(`no namespace: ${JSON.stringify(created.body)}`)
  return name
}
