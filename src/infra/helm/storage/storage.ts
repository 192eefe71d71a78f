import { isJsonObject, type JsonObject } from '../../../core/json.ts'
import type { ClusterEndpoint } from '../types.ts'
import { type RecordMetadata, recordName, type StoredRecord, UnreadableRecordError } from './record.ts'
import { ApiError, requestJson } from './request.ts'
import { readMetadata, readSecret, settledSecret } from './secret.ts'

export type ListFilter = {
  /** All namespaces when it is missing. */
  readonly namespace?: string
  readonly release?: string
  /** Leave out what a newer revision has replaced. */
  readonly current?: boolean
  readonly signal?: AbortSignal
}
export type Listing = {
  readonly records: readonly RecordMetadata[]
  /** Secrets that are labelled as records and are none. */
  readonly unreadable: readonly { readonly namespace: string; readonly secret: string }[]
}

const metadataOnly = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
const pageSize = 500

/** Lists revisions by their metadata alone: cheap, and no values come near. Throws `ApiError`. */
export async function listRecords(cluster: ClusterEndpoint, filter: ListFilter): Promise<Listing> {
  const records: RecordMetadata[] = []
  const unreadable: { namespace: string; secret: string }[] = []
  for await (const metadata of pages(cluster, filter)) {
    try {
      records.push(readMetadata(metadata))
    } catch (error) {
      if (!(error instanceof UnreadableRecordError)) throw error
      unreadable.push({ namespace: String(metadata.namespace), secret: String(metadata.name) })
    }
  }
  return { records, unreadable }
}

/** One revision; null when it is not there. Throws `UnreadableRecordError`, `ApiError`. */
export async function readRevision(
  cluster: ClusterEndpoint,
  namespace: string,
  release: string,
  version: number,
): Promise<StoredRecord | null> {
  try {
    return readSecret(await requestJson(cluster, { method: 'GET', path: pathOf(namespace, release, version) }))
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null
    throw error
  }
}

/**
 * Ends a revision as `failed` with our reason (DESIGN.md, "Settling"). Resolves to false when the record has changed
 * since it was read or is gone: the caller reads again and decides anew. The caller holds the release's lease, and
 * knows that the helm which made the revision can no longer write. Throws `ApiError`.
 */
export async function settle(
  cluster: ClusterEndpoint,
  stored: StoredRecord,
  reason: string,
  at: Date,
): Promise<boolean> {
  const { namespace, name, version } = stored.record
  const path = pathOf(namespace, name, version)
  try {
    await requestJson(cluster, { method: 'PUT', path, body: settledSecret(stored, reason, at) })
    return true
  } catch (error) {
    if (error instanceof ApiError && (error.status === 409 || error.status === 404)) return false
    throw error
  }
}

async function* pages(cluster: ClusterEndpoint, filter: ListFilter): AsyncGenerator<JsonObject> {
  let next = ''
  do {
    const path = listPath(filter, next)
    const page = await requestJson(cluster, { method: 'GET', path, accept: metadataOnly, signal: filter.signal })
    if (!Array.isArray(page.items)) throw new ApiError(0, 'the cluster answered a list without items')
    for (const item of page.items) {
      if (isJsonObject(item) && isJsonObject(item.metadata)) yield item.metadata
    }
    next = isJsonObject(page.metadata) ? String(page.metadata.continue ?? '') : ''
  } while (next !== '')
}

function listPath(filter: ListFilter, next: string): string {
  const selector = ['owner=helm']
  if (filter.release !== undefined) selector.push(`name=${filter.release}`)
  if (filter.current === true) selector.push('status!=superseded')
  const query = new URLSearchParams({ labelSelector: selector.join(','), limit: String(pageSize) })
  if (next !== '') query.set('continue', next)
  const within = filter.namespace === undefined ? '' : `/namespaces/${encodeURIComponent(filter.namespace)}`
  return `/api/v1${within}/secrets?${query}`
}

const pathOf = (namespace: string, release: string, version: number): string =>
  `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(recordName(release, version))}`
