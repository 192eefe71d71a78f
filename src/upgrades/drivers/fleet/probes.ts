import { type ClusterClient, mapParallel, type PodAddress } from '../../../infra/kubernetes/index.ts'
import type { Execution, Member } from '../../core/model.ts'

const AT_ONCE = 16
const TIMEOUT_MS = 5000

/** A path that is the endpoint's own (SECURITY.md, "Health endpoint"). */
export function isHealthPath(path: string): boolean {
  return /^\/[\w\-./~:@!$&'()*+,;=?]*$/.test(path) && !path.includes('..') && !path.includes('//')
}

/**
 * Asks the health endpoints of members. Good is a 2xx; a redirect is not followed. Whom the API server could not ask has no
 * answer: that is no matter of theirs. Throws `ClusterError`.
 */
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
  return answered(asked)
}

/** The answers by who gave them, without those who could not be asked. */
export function answered(
  asked: readonly (readonly [string, 'good' | 'bad' | null])[],
): Readonly<Record<string, 'good' | 'bad'>> {
  return Object.fromEntries(asked.flatMap(([uid, answer]) => (answer === null ? [] : [[uid, answer]])))
}

async function probe(client: ClusterClient, address: PodAddress): Promise<'good' | 'bad' | null> {
  if (!isHealthPath(address.path)) return 'bad'
  const answer = await client.probe(address, { timeoutMs: TIMEOUT_MS })
  if (answer === 'unasked') return null
  return answer !== 'silent' && answer >= 200 && answer < 300 ? 'good' : 'bad'
}
