import type { JsonObject } from '../../../core/json.ts'
import { type ManifestObject, objectKey, parseManifest } from '../../kubernetes/index.ts'

/** The objects that the manifest `second` has besides those of `first`. Throws `ManifestError`. */
export function besides(first: string, second: string, namespace: string): readonly ManifestObject[] {
  const known = new Set(parseManifest(first).map((object) => objectKey(object, namespace)))
  return parseManifest(second).filter((object) => !known.has(objectKey(object, namespace)))
}

/** A manifest with objects behind its own. */
export function joinedManifest(first: string, more: readonly ManifestObject[]): string {
  return [first.trimEnd(), ...more.map(({ body }) => asYaml(body))].join('\n---\n')
}

/** JSON whose texts YAML reads as they are: it takes some characters for none of a text, and some for the end of a line. */
function asYaml(body: JsonObject): string {
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(body).replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, escaped)
}
