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
  return [first.trimEnd(), ...more.map(({ body }) => JSON.stringify(body))].join('\n---\n')
}

const groupOf = ({ apiVersion }: ManifestObject): string =>
  apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : ''
