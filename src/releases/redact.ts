import { stringify } from 'yaml'
import { canonicalJson, isJsonObject, type Json } from '../core/json.ts'
import { parseManifestDocuments } from '../infra/helm-yaml.ts'
import { bothMasks, type Mask, maskOfMany, showAll } from '../infra/secrets/mask.ts'
import { textsOfSecrets, withoutSecretPlaces } from '../infra/secrets/places.ts'

const mostAliases = 1_000

/**
 * Manifests as they may be shown (SPEC section 1): the values of Secrets and of environment variables are `***`, also in
 * a List and behind an alias, and what any of these manifests has in a Secret is hidden wherever it stands in them
 * (docs/adr/0072). The mask is laid over the objects, not over their text: YAML breaks long texts into lines.
 * A part that cannot be read is left out as a whole: what is not read is not redacted.
 */
export function redactManifests(manifests: readonly string[], mask: Mask): readonly string[] {
  const read = manifests.map(partsOf)
  const all = bothMasks(mask, maskOfParts(read.flat(), mask))
  return read.map((parts) => written(parts, (object) => all(redactObject(object))))
}

/** Hides what these manifests have in Secrets. */
export const secretsMask = (manifests: readonly string[]): Mask => maskOfParts(manifests.flatMap(partsOf), showAll)

/** For what another mask has been laid over, which knows a part of a text perhaps: so as it was, and as that shows it. */
function maskOfParts(parts: readonly Part[], before: Mask): Mask {
  return maskOfMany(parts.flatMap((part) => part?.secrets ?? []).flatMap((text) => [text, before(text)]))
}

/** True for manifests that say something else, whatever of it may be shown. Another order or layout says nothing else. */
export function saysElse(one: string, other: string): boolean {
  const everything = (object: Json) => JSON.parse(canonicalJson(object)) as Json
  const both = [one, other].map((manifest) => written(partsOf(manifest), everything))
  if (both[0] !== both[1]) return true
  return both.some((text) => text.includes(unreadable)) && one !== other
}

const unreadable = '# not shown: this part cannot be read\n'

/** A document of a manifest, with what it has in Secrets; null for one that cannot be read. */
type Part = { readonly object: Json; readonly secrets: readonly string[] } | null

const partsOf = (manifest: string): readonly Part[] => parseManifestDocuments(manifest).map(readPart)

type ParsedDocument = {
  readonly errors: readonly unknown[]
  toJS(options?: { maxAliasCount?: number }): unknown
}

function readPart(document: ParsedDocument): Part {
  if (document.errors.length > 0) return null
  try {
    const object = document.toJS({ maxAliasCount: mostAliases }) as Json
    return { object, secrets: textsOfSecrets(object) }
  } catch {
    return null
  }
}

const written = (parts: readonly Part[], show: (object: Json) => Json): string =>
  parts.map((part) => `---\n${textOf(part, show)}`).join('')

function textOf(part: Part, show: (object: Json) => Json): string {
  if (part === null) return unreadable
  try {
    return part.object === null ? '' : stringify(show(part.object), { aliasDuplicateObjects: false })
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
