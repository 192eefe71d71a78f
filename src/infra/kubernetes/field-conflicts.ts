import { isJsonObject, type Json } from '../../core/json.ts'
import { hidden } from '../secrets/mask.ts'
import type { Discovery } from './discovery.ts'
import { ClusterError } from './errors.ts'
import { valueAt } from './field-path.ts'
import type { ManifestObject } from './manifest.ts'
import type { ClusterClient, KubeObject, Resource } from './types.ts'

/** A field that another manager owns with another value than the chart wants. Values that may not show are `***`, maps and lists null. */
export type LiveConflict = {
  readonly object: string
  readonly field: string
  readonly manager: string
  readonly live: Json
  readonly wanted: Json
}

/** As helm signs its server-side apply. */
const helm = 'helm'

type Parts = { readonly client: ClusterClient; readonly discovery: Discovery }

/**
 * Which fields of a manifest's objects helm would not get (SPEC section 3, "Field conflicts"): asked of the API server
 * by a dry run of helm's own apply, so nothing changes. Objects that are not there, or that helm has never applied,
 * conflict with nothing. Throws `ClusterError`.
 */
export async function readConflicts(
  parts: Parts,
  objects: readonly ManifestObject[],
  namespace: string,
): Promise<readonly LiveConflict[]> {
  return read(parts, objects, namespace, isAppliedByHelm)
}

/**
 * Which fields of other managers a rollback to these objects overwrites, whichever helm it is: 4 applies by force, 3.17
 * patches all that differs. So what helm itself has written, by whatever means, is left out. Throws `ClusterError`.
 */
export async function readOverwritten(
  parts: Parts,
  objects: readonly ManifestObject[],
  namespace: string,
): Promise<readonly LiveConflict[]> {
  const found = await read(parts, objects, namespace, () => true)
  return found.filter(({ manager }) => manager !== helm)
}

async function read(
  parts: Parts,
  objects: readonly ManifestObject[],
  namespace: string,
  counts: (live: KubeObject) => boolean,
): Promise<readonly LiveConflict[]> {
  const found: LiveConflict[] = []
  for (const object of objects.filter((each) => each.hook === null && (each.namespace ?? namespace) === namespace)) {
    found.push(...(await conflictsOf(parts, object, namespace, counts)))
  }
  return found
}

/** What the asker may not, the tenant's helm may not either, and will say so: that is no conflict. */
async function conflictsOf(...asked: Parameters<typeof askConflicts>): Promise<readonly LiveConflict[]> {
  try {
    return await askConflicts(...asked)
  } catch (error) {
    if (error instanceof ClusterError && error.status === 403) return []
    throw error
  }
}

async function askConflicts(
  { client, discovery }: Parts,
  object: ManifestObject,
  namespace: string,
  counts: (live: KubeObject) => boolean,
): Promise<readonly LiveConflict[]> {
  const resource = await discovery.find(object.apiVersion, object.kind)
  if (resource?.namespaced !== true) return []
  const live = await client.find(resource, { namespace, name: object.name })
  if (live === null || !counts(live)) return []
  const fields = await refusedFields(client, resource, object, namespace)
  return fields.map((refused) => conflict(object, live, refused))
}

function isAppliedByHelm(live: KubeObject): boolean {
  const entries = live.metadata.managedFields ?? []
  return entries.some(({ manager, operation }) => manager === helm && operation === 'Apply')
}

type Refused = { readonly field: string; readonly manager: string }

async function refusedFields(
  client: ClusterClient,
  resource: Resource,
  { name, body }: ManifestObject,
  namespace: string,
): Promise<readonly Refused[]> {
  const metadata = { ...(isJsonObject(body.metadata) ? body.metadata : {}), namespace }
  const patch = { type: 'apply', body: { ...body, metadata }, fieldManager: helm, dryRun: true } as const
  try {
    await client.patch(resource, { namespace, name }, patch)
    return []
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
    if (error.isConflict) return (error.details.causes ?? []).flatMap(refusedField)
    // What the server refuses for another reason is not a conflict: helm itself will say so.
    if (error.unreachable || error.isForbidden) throw error
    return []
  }
}

function refusedField({ field, message = '' }: { field?: string; message?: string }): readonly Refused[] {
  const manager = /conflict with "((?:[^"\\]|\\.)*)"/.exec(message)?.[1]
  return field === undefined || manager === undefined ? [] : [{ field, manager }]
}

/** Values of Secrets and of environment variables never show (SPEC section 1). */
function conflict(object: ManifestObject, live: KubeObject, { field, manager }: Refused): LiveConflict {
  const isHidden = object.kind === 'Secret' || /\.env\b/.test(field)
  const shown = (body: Json) => (isHidden ? hidden : scalar(valueAt(body, field)))
  const named = `${object.kind} ${object.name}`
  return { object: named, field, manager, live: shown(live as unknown as Json), wanted: shown(object.body) }
}

const scalar = (value: Json): Json => (typeof value === 'object' ? null : value)
