import { isJsonObject, type Json } from '../../core/json.ts'
import { hidden } from '../secrets/mask.ts'
import { withoutSecretPlaces } from '../secrets/places.ts'
import type { Discovery } from './discovery.ts'
import { ClusterError } from './errors.ts'
import { valueAt } from './field-path.ts'
import type { ManifestObject } from './manifest.ts'
import { mapParallel } from './parallel.ts'
import type { ClusterClient, KubeObject, RequestOptions, Resource } from './types.ts'

/**
 * A field that another manager owns with another value than the chart wants. Values that may not show are `***`; null is what
 * is not there, or stands at a path of a form that is not known.
 */
export type LiveConflict = {
  readonly object: string
  readonly field: string
  readonly manager: string
  readonly live: Json
  readonly wanted: Json
}

/** As helm signs its server-side apply. */
const helm = 'helm'

const AT_ONCE = 8

type Parts = { readonly client: ClusterClient; readonly discovery: Discovery }

/** Fields that a rollback overwrites; of `unknown` objects the API server did not tell. */
export type LiveOverwritten = { readonly fields: readonly LiveConflict[]; readonly unknown: number }

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
  const found = await mapParallel(asked(objects, namespace), AT_ONCE, (object) =>
    askConflicts(parts, object, { namespace, counts: isAppliedByHelm }).catch(noneIfRefused),
  )
  return found.flat()
}

/** What the asker may not, or the server finds wrong, helm meets and says itself: that is no conflict. */
function noneIfRefused(error: unknown): readonly LiveConflict[] {
  if (!(error instanceof ClusterError && error.isRefused) || error.status === 401) throw error
  return []
}

/**
 * Which fields of other managers a rollback to these objects overwrites, whichever helm it is: 4 applies by force, 3.17
 * patches all that differs. So what helm itself has written, by whatever means, is left out. `signal` ends the asking: what
 * was not told by then is not known.
 */
export async function readOverwritten(
  parts: Parts,
  objects: readonly ManifestObject[],
  namespace: string,
  signal?: AbortSignal,
): Promise<LiveOverwritten> {
  const options = signal === undefined ? {} : { signal }
  const found = await mapParallel(asked(objects, namespace).map(asStored), AT_ONCE, (object) =>
    askConflicts(parts, object, { namespace, counts: () => true, options }).catch((error: unknown) => {
      if (error instanceof ClusterError || signal?.aborted) return null
      throw error
    }),
  )
  const fields = found.flatMap((of) => of ?? []).filter(({ manager }) => manager !== helm)
  return { fields, unknown: found.filter((of) => of === null).length }
}

/** The API server sees no conflict between the `stringData` of an apply and what another hand wrote of it: `data` shows it. */
function asStored(object: ManifestObject): ManifestObject {
  const { stringData, ...rest } = object.body
  if (object.kind !== 'Secret' || !isJsonObject(stringData)) return object
  const encoded = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(String(text)).toString('base64')])
  const data = { ...(isJsonObject(rest.data) ? rest.data : {}), ...Object.fromEntries(encoded) }
  return { ...object, body: { ...rest, data } }
}

/** Hooks are not applied, and what lies elsewhere is not the release's. */
const asked = (objects: readonly ManifestObject[], namespace: string): readonly ManifestObject[] =>
  objects.filter((each) => each.hook === null && (each.namespace ?? namespace) === namespace)

type Asking = {
  readonly namespace: string
  /** Whether an object that is there can be in conflict at all. */
  readonly counts: (live: KubeObject) => boolean
  readonly options?: RequestOptions
}

async function askConflicts(
  { client, discovery }: Parts,
  object: ManifestObject,
  { namespace, counts, options = {} }: Asking,
): Promise<readonly LiveConflict[]> {
  const resource = await discovery.find(object.apiVersion, object.kind, options)
  if (resource?.namespaced !== true) return []
  const live = await client.find(resource, { namespace, name: object.name }, options)
  if (live === null || !counts(live)) return []
  const fields = await refusedFields(client, resource, object, { namespace, options })
  if (fields.length === 0) return []
  const sides: Sides = { live: withoutSecretPlaces(live as unknown as Json), wanted: withoutSecretPlaces(object.body) }
  return fields.map((refused) => conflict(object, sides, refused))
}

function isAppliedByHelm(live: KubeObject): boolean {
  const entries = live.metadata.managedFields ?? []
  return entries.some(({ manager, operation }) => manager === helm && operation === 'Apply')
}

type Refused = { readonly field: string; readonly manager: string }

/** Throws `ClusterError` for every other answer than a conflict: it says nothing of conflicts. */
async function refusedFields(
  client: ClusterClient,
  resource: Resource,
  { name, body }: ManifestObject,
  { namespace, options }: { readonly namespace: string; readonly options: RequestOptions },
): Promise<readonly Refused[]> {
  const metadata = { ...(isJsonObject(body.metadata) ? body.metadata : {}), namespace }
  const patch = { type: 'apply', body: { ...body, metadata }, fieldManager: helm, dryRun: true } as const
  for (let left = MOST_ASKED; ; left--) {
    try {
      await client.patch(resource, { namespace, name }, patch, options)
      return []
    } catch (error) {
      if (!(error instanceof ClusterError && error.isConflict)) throw error
      const { causes = [] } = error.details
      if (causes.length > 0) return causes.flatMap(refusedField)
      // The object changed while it was asked about, which is no conflict of fields and says nothing of them.
      if (left === 1) throw error
    }
  }
}

const MOST_ASKED = 5

function refusedField({ field, message = '' }: { field?: string; message?: string }): readonly Refused[] {
  const manager = /conflict with "((?:[^"\\]|\\.)*)"/.exec(message)?.[1]
  return field === undefined || manager === undefined ? [] : [{ field, manager }]
}

/** The object as it is and as the chart wants it, without what stands where secrets stand. */
type Sides = { readonly live: Json; readonly wanted: Json }

/** Values of Secrets and of environment variables never show (SPEC section 1). */
function conflict({ kind, name }: ManifestObject, { live, wanted }: Sides, { field, manager }: Refused): LiveConflict {
  const isHidden = kind === 'Secret' || /\.env\b/.test(field)
  const shown = (body: Json) => (isHidden ? hidden : valueAt(body, field))
  return { object: `${kind} ${name}`, field, manager, live: shown(live), wanted: shown(wanted) }
}
