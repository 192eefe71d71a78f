import { stringify } from 'yaml'
import { canonicalJson, isJsonObject, type Json } from '../core/json.ts'
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
  return writtenAnew(manifest, (object) => mask(redactObject(object)))
}

/** True for manifests that say something else, whatever of it may be shown. Another order or layout says nothing else. */
export function saysElse(one: string, other: string): boolean {
  const everything = (object: Json) => JSON.parse(canonicalJson(object)) as Json
  const written = [one, other].map((manifest) => writtenAnew(manifest, everything))
  if (written[0] !== written[1]) return true
  return written.some((text) => text.includes(unreadable)) && one !== other
}

const unreadable = '# not shown: this part cannot be read\n'

function writtenAnew(manifest: string, show: (object: Json) => Json): string {
  return parseManifestDocuments(manifest)
    .map((document) => `---\n${textOf(document, show)}`)
    .join('')
}

type ParsedDocument = {
  readonly errors: readonly unknown[]
  toJS(options?: { maxAliasCount?: number }): unknown
}

function textOf(document: ParsedDocument, show: (object: Json) => Json): string {
  if (document.errors.length > 0) return unreadable
  try {
    const object = document.toJS({ maxAliasCount: mostAliases }) as Json
    return object === null ? '' : stringify(show(object), { aliasDuplicateObjects: false })
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
