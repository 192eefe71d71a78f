import { type Clock, type Instant, minutes } from '../../core/instant.ts'
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import { ClusterError } from './errors.ts'
import { apiVersionOf, resources } from './resources.ts'
import { parseObject } from './status.ts'
import type { ClusterClient, RequestOptions, Resource } from './types.ts'

/** Which path a kind is served under. */
export interface Discovery {
  /** Null when the cluster answers that it does not serve the kind. Throws `ClusterError` when it does not answer. */
  find(apiVersion: string, kind: string, options?: RequestOptions): Promise<Resource | null>
}

type GroupVersion = { readonly at: Instant; readonly byKind: Promise<ReadonlyMap<string, Resource>> }

const KEPT_MS = minutes(10)
const MISSING_MS = 5000

const known: ReadonlyMap<string, Resource> = new Map(
  Object.values(resources).map((resource: Resource) => [`${apiVersionOf(resource)} ${resource.kind}`, resource]),
)

/** Discovery with what was found kept for ten minutes; a kind that is missing is asked for again after 5 s. */
export function createDiscovery(client: ClusterClient, clock: Clock): Discovery {
  const kept = new Map<string, GroupVersion>()
  const fetch = (apiVersion: string, options?: RequestOptions): GroupVersion => {
    const entry = { at: clock.now(), byKind: readGroupVersion(client, apiVersion, options) }
    entry.byKind.catch(() => kept.get(apiVersion) === entry && kept.delete(apiVersion))
    kept.set(apiVersion, entry)
    return entry
  }
  return {
    async find(apiVersion, kind, options) {
      const common = known.get(`${apiVersion} ${kind}`)
      if (common !== undefined) return common
      const entry = kept.get(apiVersion)
      const age = entry === undefined ? KEPT_MS : clock.now() - entry.at
      const found = entry !== undefined && age < KEPT_MS ? (await entry.byKind).get(kind) : undefined
      if (found !== undefined) return found
      if (entry !== undefined && age < MISSING_MS) return null
      return (await fetch(apiVersion, options).byKind).get(kind) ?? null
    },
  }
}

async function readGroupVersion(
  client: ClusterClient,
  apiVersion: string,
  options?: RequestOptions,
): Promise<ReadonlyMap<string, Resource>> {
  const [first = '', second] = apiVersion.split('/').map(encodeURIComponent)
  const path = second === undefined ? `/api/${first}` : `/apis/${first}/${second}`
  try {
    const list = parseObject(await client.text(path, options), path)
    const entries = Array.isArray(list.resources) ? list.resources.filter(isJsonObject) : []
    return new Map(entries.filter(isMain).map((entry) => [String(entry.kind), resourceOf(apiVersion, entry)]))
  } catch (error) {
    if (error instanceof ClusterError && error.status === 404) return new Map()
    throw error
  }
}

/** Subresources stand in the same list, with a slash in their name. */
function isMain(entry: JsonObject): boolean {
  return typeof entry.name === 'string' && !entry.name.includes('/')
}

function resourceOf(apiVersion: string, entry: { readonly [key: string]: Json }): Resource {
  const [first = '', second] = apiVersion.split('/')
  const [group, version] = second === undefined ? ['', first] : [first, second]
  return { group, version, plural: String(entry.name), kind: String(entry.kind), namespaced: entry.namespaced === true }
}
