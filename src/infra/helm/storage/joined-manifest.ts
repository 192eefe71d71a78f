import type { JsonObject } from '../../../core/json.ts'
import { type ManifestObject, parseManifest } from '../../kubernetes/index.ts'

/**
 * The manifest `first`, and what `second` has besides: of an object in both, the one of `first`. Objects are the same as
 * helm compares them: by group, kind, namespace and name. Throws `ManifestError`.
 */
export function joinedManifest(first: string, second: string, namespace: string): string {
  const keyOf = (object: ManifestObject) =>
    JSON.stringify([groupOf(object), object.kind, object.namespace ?? namespace, object.name])
  const known = new Set(parseManifest(first).map(keyOf))
  const more = parseManifest(second).filter((object) => !known.has(keyOf(object)))
  return [first.trimEnd(), ...more.map(({ body }) => asYaml(body))].join('\n---\n')
}

/** JSON whose texts YAML reads as they are: it takes some characters for none of a text, and some for the end of a line. */
function asYaml(body: JsonObject): string {
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(body).replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, escaped)
}

const groupOf = ({ apiVersion }: ManifestObject): string =>
  apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : ''
