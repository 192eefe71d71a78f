import { type ClusterClient, mapParallel } from '../../../infra/kubernetes/index.ts'
import type { Execution, Member } from '../../core/model.ts'

const AT_ONCE = 16
const TIMEOUT_MS = 5000

/** A path that is the endpoint's own (SECURITY.md, "Health endpoint"). */
export function isHealthPath(path: string): boolean {
  return /^\/[\w\-./~:@!$&'()*+,;=?]*$/.test(path) && !path.includes('..') && !path.includes('//')
}

/** Asks the health endpoints of members. Good is a 2xx; a redirect is not followed. Throws `ClusterError`. */
export async function readProbes(
  client: ClusterClient,
  namespace: string,
  endpoint: Execution['healthEndpoint'],
  members: readonly Member[],
): Promise<Readonly<Record<string, 'good' | 'bad'>>> {
  if (endpoint === null) return {}
  const asked = await mapParallel(members, AT_ONCE, async ({ pod }) => {
    return [pod.uid, await probe(client, { namespace, name: pod.name, ...endpoint })] as const
  })
  return Object.fromEntries(asked)
}

async function probe(client: ClusterClient, address: Parameters<ClusterClient['probe']>[0]): Promise<'good' | 'bad'> {
  if (!isHealthPath(address.path)) return 'bad'
  const status = await client.probe(address, { timeoutMs: TIMEOUT_MS })
  return status !== null && status >= 200 && status < 300 ? 'good' : 'bad'
}
