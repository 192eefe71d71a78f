import type { Discovery } from './discovery.ts'
import { whyKept } from './kept.ts'
import type { ManifestObject } from './manifest.ts'
import { mapParallel } from './parallel.ts'
import { isWaitedFor, type Observed } from './readiness/readiness.ts'
import type { ClusterClient, KubeObject, ObjectName, RequestOptions, Resource } from './types.ts'

/** What reads of a release need. */
export type ReadParts = { readonly client: ClusterClient; readonly discovery: Discovery }

const AT_ONCE = 8

/** Reads the objects of a release that are waited for. Throws `ClusterError` when one cannot be read. */
export async function observeWorkloads(
  { client, discovery }: ReadParts,
  objects: readonly ManifestObject[],
  namespace: string,
  options: RequestOptions & { readonly jobs: boolean },
): Promise<readonly Observed[]> {
  const waitedFor = objects.filter((object) => isWaitedFor(object, options))
  return mapParallel(waitedFor, AT_ONCE, (wanted) => observeOne({ client, discovery }, wanted, namespace, options))
}

/** Reads the objects of a release that helm deletes, of whatever kind, as far as they are there. */
export async function observeObjects(
  parts: ReadParts,
  objects: readonly ManifestObject[],
  namespace: string,
  signal: AbortSignal,
): Promise<readonly Observed[]> {
  const deleted = objects.filter((object) => whyKept(object) === null)
  const seen = await mapParallel(deleted, AT_ONCE, (wanted) => observeOne(parts, wanted, namespace, { signal }))
  return seen.filter(({ live }) => live !== null)
}

async function observeOne(
  { client, discovery }: ReadParts,
  wanted: ManifestObject,
  namespace: string,
  options: RequestOptions,
): Promise<Observed> {
  const resource = await discovery.find(wanted.apiVersion, wanted.kind, options)
  if (resource === null) return { wanted, live: null }
  const live = await client.find<KubeObject>(resource, nameOf(wanted, namespace), options)
  return { wanted, live: live !== null && isOwn(live, resource, namespace) ? live : null }
}

/**
 * Manifests are input: a tenant's pods can change Helm's records. So nothing is told of what lies outside of the release's
 * namespace, unless helm has marked it as made by a release of that namespace, which takes a grant.
 */
export function isOwn({ metadata }: KubeObject, { namespaced }: Resource, namespace: string): boolean {
  if (namespaced && metadata.namespace === namespace) return true
  return metadata.annotations?.['meta.helm.sh/release-namespace'] === namespace
}

/** Where an object of a release is. */
export function nameOf(object: ManifestObject, namespace: string): ObjectName {
  return { name: object.name, namespace: object.namespace ?? namespace }
}
