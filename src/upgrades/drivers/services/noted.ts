import { type ClusterClient, resources } from '../../../infra/kubernetes/index.ts'
import type { GateRow, PinnedService } from '../../store/gate-row.ts'
import { isOwner } from '../gate/ownership.ts'
import { hashOf, type Service } from './select.ts'

/**
 * True for the Service that a row has noted, and for one that was made anew in its place with our pin on it: a hash that the row
 * knows, or fields that we have written there since. Pure.
 */
export function isNoted(service: Service, { name, uid }: PinnedService, { state }: Pick<GateRow, 'state'>): boolean {
  if (service.metadata.uid === uid) return true
  if (service.metadata.name !== name) return false
  const hash = hashOf(service)
  const known = [state.previous, state.target, ...Object.values(state.hashes)]
  return isOwner(service) || (hash !== null && known.includes(hash))
}

/** A Service that was pinned, and what it says of the hash now: null for nothing. */
export type Pinned = { readonly service: string; readonly uid: string; readonly hash: string | null }

/** What Services that were pinned say now; those that are gone, or are others, say nothing. Throws `ClusterError`. */
export async function hashesOf(
  { client, namespace }: { readonly client: ClusterClient; readonly namespace: string },
  row: GateRow,
): Promise<readonly Pinned[]> {
  return Promise.all(
    row.originals.services.map(async (noted) => {
      const service = await client.find<Service>(resources.services, { namespace, name: noted.name })
      const isOurs = service !== null && isNoted(service, noted, row)
      return { service: noted.name, uid: noted.uid, hash: isOurs ? hashOf(service) : null }
    }),
  )
}
