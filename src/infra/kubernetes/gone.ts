import type { Instant } from '../../core/instant.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { whyKept } from './kept.ts'
import type { ManifestObject } from './manifest.ts'
import { mapParallel } from './parallel.ts'
import { literal } from './patterns.ts'
import type { NamedObject } from './readiness/types.ts'
import { resources } from './resources.ts'
import { readStoppingPods, type StoppingPod } from './stopping.ts'
import type { KubeObject, RequestOptions } from './types.ts'
import { isOwn, nameOf, type ReadParts } from './workloads.ts'

/**
 * An object that is still to go, and what holds it. `until` is told of pods whose workload is gone: when their grace period ends,
 * null while they have not been told to stop.
 */
export type Remaining = NamedObject & {
  readonly deleting: boolean
  readonly finalizers: readonly string[]
  readonly until?: Instant | null
}
/** Why an object that is being deleted is still there. */
export const whyGoing = (finalizers: readonly string[]): string =>
  finalizers.length === 0 ? 'it is being deleted' : `held by ${finalizers.join(', ')}`

/** An object that stays after an uninstall, and why. */
export type Leftover = NamedObject & { readonly why: string }
export type Remains = {
  readonly gone: boolean
  readonly remaining: readonly Remaining[]
  readonly leftovers: readonly Leftover[]
}

/** The release that objects are looked for of; `marked`: those without its mark are not its own. */
export type Owner = { readonly namespace: string; readonly name: string; readonly marked?: boolean }

const AT_ONCE = 8

/** What is left of an uninstalled release; in a namespace that is being deleted nothing stays. Throws `ClusterError` when something cannot be read: it may be there. */
export async function readRemains(
  parts: ReadParts,
  objects: readonly ManifestObject[],
  release: Owner,
  options: RequestOptions = {},
): Promise<Remains> {
  const found = await mapParallel(objects, AT_ONCE, (object) => findLive(parts, object, release, options))
  const there = objects.flatMap((object, index) => pair(object, ownOf(object, found[index] ?? null, release)))
  const remaining = there.filter(({ object }) => whyKept(object) === null).map(remainingOf)
  const kept = there.flatMap(({ object: { kind, name }, object }) => {
    const why = whyKept(object)
    return why === null ? [] : [{ kind, name, why }]
  })
  const claims = await readClaims(parts, objects, release.namespace, options)
  const isAllGoing = there.length + claims.length > 0 && (await isTerminating(parts, release.namespace, options))
  if (isAllGoing) return { gone: false, remaining: [...there.map(goingOf), ...claims.map(goingClaim)], leftovers: [] }
  const absent = objects.filter((_, index) => (found[index] ?? null) === null)
  // What is there still is waited for first.
  const pods = remaining.length > 0 ? [] : await readStoppingPods(parts, absent, release.namespace, options)
  const left = [...remaining, ...pods.map(stoppingOf)]
  return { gone: left.length === 0, remaining: left, leftovers: [...kept, ...claims] }
}

/** The garbage collector comes to every pod whose owner is gone, though it may not have yet. */
const stoppingOf = (pod: StoppingPod): Remaining => ({ kind: 'Pod', deleting: true, ...pod })

/** What a StatefulSet's claims are named like, where they stay; null where they go with it or there are none. */
export function claimPattern(object: ManifestObject): RegExp | null {
  return isJsonObject(object.body.spec) && deletesClaims(object.body.spec) ? null : claimsOfSet(object)
}

/** What the claims of a StatefulSet's pods are named like; null where it has none, or for another kind. */
export function claimsOfSet({ kind, name, body }: Pick<ManifestObject, 'kind' | 'name' | 'body'>): RegExp | null {
  const spec = isJsonObject(body.spec) ? body.spec : {}
  const templates = kind === 'StatefulSet' && Array.isArray(spec.volumeClaimTemplates) ? spec.volumeClaimTemplates : []
  if (templates.length === 0) return null
  const names = templates.filter(isJsonObject).map(({ metadata }) => (isJsonObject(metadata) ? metadata.name : ''))
  return new RegExp(`^(?:${names.map((each) => literal(String(each))).join('|')})-${literal(name)}-[0-9]+$`)
}

type There = { readonly object: ManifestObject; readonly live: KubeObject }

function ownOf(object: ManifestObject, live: KubeObject | null, release: Owner): KubeObject | null {
  return live === null || isOfAnother(live, release, object) ? null : live
}

/** The metadata of what is there under the name of an object, whoever it is of. Throws `ClusterError`. */
export async function findLive(
  { client, discovery }: ReadParts,
  object: ManifestObject,
  { namespace }: Owner,
  options: RequestOptions,
): Promise<KubeObject | null> {
  const resource = await discovery.find(object.apiVersion, object.kind, options)
  // A kind that the cluster no longer serves has no objects.
  if (resource === null) return null
  const live = await client.findMetadata(resource, nameOf(object, namespace), options)
  return live === null || !isOwn(live, resource, namespace) ? null : live
}

/** Another release has taken the name since, or nobody says that it is this one's. */
export function isOfAnother({ metadata }: KubeObject, release: Owner, { hook }: ManifestObject): boolean {
  const owner = metadata.annotations?.['meta.helm.sh/release-name']
  const namespace = metadata.annotations?.['meta.helm.sh/release-namespace']
  if (owner !== undefined) return owner !== release.name || namespace !== release.namespace
  // Helm marks no hooks: they are known by what the chart says of them.
  const isHook = hook !== null && metadata.annotations?.['helm.sh/hook'] !== undefined
  return release.marked === true && !isHook
}

/** The claims that StatefulSets among these objects have left. Throws `ClusterError`. */
export async function readClaims(
  { client }: ReadParts,
  objects: readonly ManifestObject[],
  namespace: string,
  options: RequestOptions,
): Promise<readonly Leftover[]> {
  const patterns = objects.flatMap((object) => claimPattern(object) ?? [])
  if (patterns.length === 0) return []
  const { items } = await client.listMetadata(resources.volumeClaims, { namespace }, options)
  const names = items.map(({ metadata }) => metadata.name).filter((name) => patterns.some((one) => one.test(name)))
  return names.map((name) => ({ kind: 'PersistentVolumeClaim', name, why: 'a StatefulSet leaves its volume claims' }))
}

function pair(object: ManifestObject, live: KubeObject | null): readonly There[] {
  return live === null ? [] : [{ object, live }]
}

function remainingOf({ object: { kind, name }, live: { metadata } }: There): Remaining {
  return { kind, name, deleting: metadata.deletionTimestamp !== undefined, finalizers: metadata.finalizers ?? [] }
}

/** A namespace that is being deleted takes everything with it, kept or not, one kind after another. */
export async function isTerminating({ client }: ReadParts, name: string, options: RequestOptions): Promise<boolean> {
  const namespace = await client.findMetadata(resources.namespaces, { name }, options)
  return namespace?.metadata.deletionTimestamp !== undefined
}

const goingOf = (there: There): Remaining => ({ ...remainingOf(there), deleting: true })
const goingClaim = ({ kind, name }: Leftover): Remaining => ({ kind, name, deleting: true, finalizers: [] })

function deletesClaims(spec: JsonObject): boolean {
  const policy = spec.persistentVolumeClaimRetentionPolicy
  return isJsonObject(policy) && policy.whenDeleted === 'Delete'
}
