import { stringify } from 'yaml'
import { isJsonObject, type Json } from '../core/json.ts'
import { parseManifestDocuments } from '../infra/helm-yaml.ts'
import type { Mask } from '../infra/secrets/mask.ts'
import { withoutSecretPlaces } from '../infra/secrets/places.ts'

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
  return withoutSecretPlaces(value)
}
