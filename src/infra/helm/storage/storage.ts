import type { JsonObject } from '../../../core/json.ts'
import { systemClock } from '../../clock.ts'
import {
  type ClusterClient,
  ClusterError,
  createClient,
  createDiscovery,
  type KubeObject,
  ManifestError,
  readStrangers,
  resources,
} from '../../kubernetes/index.ts'
import type { ClusterEndpoint } from '../types.ts'
import { besides, joinedManifest } from './joined-manifest.ts'
import { type RecordMetadata, recordName, type StoredRecord, UnreadableRecordError } from './record.ts'
import { type Ending, endedSecret, readMetadata, readSecret } from './secret.ts'

export type Listing = {
  readonly records: readonly RecordMetadata[]
  /** Secrets that are labelled as records and are none. */
  readonly unreadable: readonly { readonly namespace: string; readonly secret: string }[]
}

/**
 * One release's records are small and read all the time: a cluster that has not answered by then does not. What a release
 * says that it waits for counts on it (`releases/core/shown.ts`).
 */
const patience = { timeoutMs: 10_000 } as const

/** Lists the revisions of a release by their metadata alone: cheap, and no values come near. Throws `ClusterError`. */
export async function listRecords(
  cluster: ClusterEndpoint,
  { namespace, release }: { readonly namespace: string; readonly release: string },
): Promise<Listing> {
  const selection = { namespace, labelSelector: `owner=helm,name=${release}` }
  const { items } = await clientOf(cluster).listMetadata(resources.secrets, selection, patience)
  const records: RecordMetadata[] = []
  const unreadable: { namespace: string; secret: string }[] = []
  for (const { metadata } of items) {
    try {
      records.push(readMetadata(metadata as unknown as JsonObject))
    } catch (error) {
      if (!(error instanceof UnreadableRecordError)) throw error
      unreadable.push({ namespace: String(metadata.namespace), secret: metadata.name })
    }
  }
  return { records, unreadable }
}

/** One revision; null when it is not there. Throws `UnreadableRecordError`, `ClusterError`. */
export async function readRevision(
  cluster: ClusterEndpoint,
  namespace: string,
  release: string,
  version: number,
): Promise<StoredRecord | null> {
  const place = { namespace, name: recordName(release, version) }
  const secret = await clientOf(cluster).find(resources.secrets, place, patience)
  return secret === null ? null : readSecret(secret as unknown as JsonObject)
}

/**
 * Ends a revision in Helm's place (DESIGN.md, "Settling"). `before`: another revision whose objects the record is to name
 * besides its own, and then none of its own that is there and is not the release's; where that cannot be told, or passes
 * what a Secret holds, it names its own. Resolves to false when the record has changed since it was read or is gone: the
 * caller reads again and decides anew. The caller holds the release's lease, and knows that the helm which made the revision
 * can no longer write. Throws `ClusterError`.
 */
export async function endRevision(
  cluster: ClusterEndpoint,
  stored: StoredRecord,
  ending: Ending,
  at: Date,
  before: StoredRecord | null = null,
): Promise<boolean> {
  const manifest = before === null ? null : await manifestOfBoth(cluster, stored, before)
  if (manifest === null) return write(cluster, endedSecret(stored, ending, at))
  try {
    return await write(cluster, endedSecret(stored, ending, at, manifest))
  } catch (error) {
    if (!(error instanceof ClusterError) || !tooLarge.has(error.status)) throw error
    return write(cluster, endedSecret(stored, ending, at))
  }
}

/** How an API server refuses a Secret for its size. */
const tooLarge: ReadonlySet<number> = new Set([413, 422])

async function write(cluster: ClusterEndpoint, ended: JsonObject): Promise<boolean> {
  try {
    await clientOf(cluster).replace(resources.secrets, ended as unknown as KubeObject)
    return true
  } catch (error) {
    if (error instanceof ClusterError && (error.isConflict || error.isAbsent)) return false
    throw error
  }
}

async function manifestOfBoth(
  cluster: ClusterEndpoint,
  { record }: StoredRecord,
  before: StoredRecord,
): Promise<string | null> {
  const client = clientOf(cluster)
  try {
    const first = before.record.manifest
    const more = besides(first, record.manifest, record.namespace)
    const strangers = await readStrangers(
      { client, discovery: createDiscovery(client, systemClock) },
      more,
      record,
      patience,
    )
    return joinedManifest(
      first,
      more.filter((object) => !strangers.includes(object)),
    )
  } catch (error) {
    if (error instanceof ManifestError) return null
    throw error
  }
}

const clientOf = (endpoint: ClusterEndpoint): ClusterClient => createClient({ endpoint, clock: systemClock })
