import { stringify } from 'yaml'
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts'
import { parseManifestDocuments } from '../infra/helm-yaml.ts'
import { hidden, type Mask } from '../infra/secrets/mask.ts'

const mostAliases = 1_000

/**
 * A manifest as it may be shown (SPEC section 1): the values of Secrets and of environment variables are `***`, also in
 * a List and behind an alias. The mask is laid over the objects, not over their text: YAML breaks long texts into lines.
 * A part that cannot be read is left out as a whole: what is not read is not redacted.
 */
export function redactManifest(manifest: string, mask: Mask): string {
  return parseManifestDocuments(manifest)
    .map((document) => `---\n${redactedText(document, mask)}`)
    .join('')
}

type ParsedDocument = {
  readonly errors: readonly unknown[]
  toJS(options?: { maxAliasCount?: number }): unknown
}

function redactedText(document: ParsedDocument, mask: Mask): string {
  const unreadable = '# not shown: this part cannot be read\n'
  if (document.errors.length > 0) return unreadable
  try {
    const object = document.toJS({ maxAliasCount: mostAliases }) as Json
    return object === null ? '' : stringify(mask(redactObject(object)), { aliasDuplicateObjects: false })
  } catch {
    return unreadable
  }
}

function redactObject(value: Json): Json {
  if (!isJsonObject(value)) return '# not shown: this part is no object'
  const { items } = value
  if (Array.isArray(items) && String(value.kind).endsWith('List')) return { ...value, items: items.map(redactObject) }
  const object = value.kind === 'Secret' ? hideSecret(value) : value
  return hideEnvironment(object)
}

function hideSecret(secret: JsonObject): JsonObject {
  const fields = ['data', 'stringData'].filter((field) => field in secret)
  return { ...secret, ...Object.fromEntries(fields.map((field) => [field, hideAll(secret[field] ?? null)])) }
}

function hideAll(map: Json): Json {
  return isJsonObject(map) ? Object.fromEntries(Object.keys(map).map((key) => [key, hidden])) : hidden
}

/** Every `env` list, however deep: containers stand in pod templates of many kinds. */
function hideEnvironment(value: Json): Json {
  if (Array.isArray(value)) return value.map(hideEnvironment)
  if (!isJsonObject(value)) return value
  const entries = Object.entries(value).map(([key, inner]) => {
    const env = key === 'env' && Array.isArray(inner)
    return [key, env ? inner.map(hideValue) : hideEnvironment(inner)]
  })
  return Object.fromEntries(entries)
}

function hideValue(entry: Json): Json {
  return isJsonObject(entry) && 'value' in entry ? { ...entry, value: hidden } : entry
}
