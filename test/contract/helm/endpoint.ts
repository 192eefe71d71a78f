import { readFileSync } from 'node:fs'
import { Agent } from 'undici'
import { parse } from 'yaml'
import type { ClusterEndpoint } from '../../../src/infra/helm/types.ts'

type Named = { readonly name: string }
type Kubeconfig = {
  readonly 'current-context': string
  readonly contexts: readonly (Named & { readonly context: { readonly cluster: string; readonly user: string } })[]
  readonly clusters: readonly (Named & { readonly cluster: Readonly<Record<string, string>> })[]
  readonly users: readonly (Named & { readonly user: Readonly<Record<string, string>> })[]
}

/** The current context of a kubeconfig as an endpoint: token or client certificate, certificates inline or in files. */
export function endpointOf(kubeconfigPath: string): ClusterEndpoint & { close(): Promise<void> } {
  const config = parse(readFileSync(kubeconfigPath, 'utf8')) as Kubeconfig
  const { context } = pick(config.contexts, config['current-context'])
  const { cluster } = pick(config.clusters, context.cluster)
  const { user } = pick(config.users, context.user)
  const tls = {
    ca: inlineOrFile(cluster, 'certificate-authority'),
    cert: inlineOrFile(user, 'client-certificate'),
    key: inlineOrFile(user, 'client-key'),
  }
  const connect = Object.fromEntries(Object.entries(tls).filter(([, pem]) => pem !== null))
  const dispatcher = new Agent({ connect, allowH2: false, keepAliveTimeout: 30_000, bodyTimeout: 0, headersTimeout: 0 })
  const headers: Record<string, string> = user.token === undefined ? {} : { authorization: `Bearer ${user.token}` }
  return {
    server: new URL(String(cluster.server)),
    dispatcher,
    headers: async () => headers,
    close: () => dispatcher.destroy(),
  }
}

function pick<T extends Named>(list: readonly T[], name: string): T {
  const found = list.find((entry) => entry.name === name)
  if (found === undefined) throw new Error(`the kubeconfig has no ${name}`)
  return found
}

function inlineOrFile(from: Readonly<Record<string, string>>, key: string): string | null {
  const inline = from[`${key}-data`]
  if (inline !== undefined) return Buffer.from(inline, 'base64').toString('utf8')
  const file = from[key]
  return file === undefined ? null : readFileSync(file, 'utf8')
}
