import { isJsonObject, type JsonObject } from '../../core/json.ts'
import { parseManifestDocuments } from '../helm-yaml.ts'

/** One object of a manifest, as the chart rendered it. */
export type ManifestObject = {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  /** As the chart says it; null: the release's. */
  readonly namespace: string | null
  readonly annotations: Readonly<Record<string, string>>
  /** The hook events of a hook; null for an ordinary object. */
  readonly hook: string | null
  readonly body: JsonObject
}

/** The manifest holds what is no object. Without its text: it may hold Secrets. */
export class ManifestError extends Error {
  override readonly name: string = 'ManifestError'
}

/** A part of it is not read here, and may be an object all the same: what is no object helm applies neither. */
export class UnreadManifestError extends ManifestError {
  override readonly name = 'UnreadManifestError'
}

/**
 * The same for two objects that are one as helm compares them: by group, kind, namespace and name. `namespace` is the one of
 * those that name none.
 */
export function objectKey({ apiVersion, kind, namespace: own, name }: ManifestObject, namespace: string): string {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
  return JSON.stringify([group, kind, own ?? namespace, name])
}

const MOST_ALIASES = 1000

/** Reads the objects of a Helm manifest; a `List` is opened. Throws `ManifestError`. */
export function parseManifest(text: string): readonly ManifestObject[] {
  return parseManifestDocuments(text).flatMap((document, index) => {
    if (document.errors.length > 0) throw new UnreadManifestError(`document ${index + 1} is not YAML`)
    return objectsOf(readValue(document, index + 1), index + 1)
  })
}

/** The parser refuses by an error of its own what repeats itself too often. */
function readValue(document: ReturnType<typeof parseManifestDocuments>[number], number: number): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES })
  } catch {
    throw new UnreadManifestError(`document ${number} cannot be read`)
  }
}

function objectsOf(value: unknown, number: number): readonly ManifestObject[] {
  if (value === null || value === undefined) return []
  if (!isJsonObject(value)) throw new ManifestError(`document ${number} is no object`)
  if (Array.isArray(value.items) && String(value.kind).endsWith('List')) {
    return value.items.flatMap((item) => objectsOf(item, number))
  }
  return [objectOf(value, number)]
}

function objectOf(body: JsonObject, number: number): ManifestObject {
  const metadata = isJsonObject(body.metadata) ? body.metadata : {}
  const { apiVersion, kind } = body
  const { name } = metadata
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof name !== 'string') {
    throw new ManifestError(`document ${number} has no apiVersion, kind or name`)
  }
  const namespace = typeof metadata.namespace === 'string' && metadata.namespace !== '' ? metadata.namespace : null
  const annotations = textValues(metadata.annotations)
  return { apiVersion, kind, name, namespace, annotations, hook: annotations['helm.sh/hook'] ?? null, body }
}

function textValues(value: unknown): Readonly<Record<string, string>> {
  if (!isJsonObject(value)) return {}
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, String(entry)]))
}
