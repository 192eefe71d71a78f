import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { ClusterError } from './errors.ts'
import type { Requester } from './request.ts'
import { collectionPath, listQuery } from './resources.ts'
import { parseObject } from './status.ts'
import type { KubeObject, ListOptions, Page, Resource, Selection } from './types.ts'

const PAGE_SIZE = 500
/** A list that expires between two pages begins again, so often. */
const BEGINNINGS = 3

/** Reads a collection whole, page by page, as of one version, or the first of it. Throws `ClusterError`. */
export async function listAll<T extends KubeObject>(
  requester: Requester,
  resource: Resource,
  selection: Selection,
  accepted: string,
  options?: ListOptions,
): Promise<Page<T>> {
  for (let beginning = 1; ; beginning++) {
    try {
      return await readPages<T>(requester, resource, selection, accepted, options)
    } catch (error) {
      if (!(error instanceof ClusterError && error.isExpired) || beginning === BEGINNINGS) throw error
    }
  }
}

async function readPages<T extends KubeObject>(
  requester: Requester,
  resource: Resource,
  selection: Selection,
  accepted: string,
  options?: ListOptions,
): Promise<Page<T>> {
  const items: T[] = []
  const base = collectionPath(resource, selection.namespace)
  const { first } = options ?? {}
  let next = ''
  for (;;) {
    const path = base + listQuery(selection, { limit: String(first ?? PAGE_SIZE), continue: next })
    const page = parseObject(
      await requester.send({ method: 'GET', path, headers: { accept: accepted } }, options),
      path,
    )
    items.push(...(readItems(page, path) as T[]))
    const { resourceVersion, following } = readListMeta(page)
    if (following === '' || first !== undefined) return { items, resourceVersion }
    next = following
  }
}

/** An answer without `items` is no empty list. */
function readItems(page: JsonObject, path: string): unknown[] {
  if (Array.isArray(page.items)) return page.items
  // Go encodes an empty slice as null.
  if (page.items === null && isJsonObject(page.metadata)) return []
  throw new ClusterError({ status: 0, reason: 'Malformed', message: `${path}: the answer is not a list` })
}

function readListMeta({ metadata }: JsonObject): { resourceVersion: string; following: string } {
  const meta = isJsonObject(metadata) ? metadata : {}
  return { resourceVersion: String(meta.resourceVersion ?? ''), following: String(meta.continue ?? '') }
}
