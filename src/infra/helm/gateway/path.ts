/** What a request's path names. Nothing of it is decoded: a path with any escape is not read at all. */
export type Location =
  | { readonly kind: 'discovery' }
  | { readonly kind: 'openapi' }
  | { readonly kind: 'namespace'; readonly namespace: string }
  | ({ readonly kind: 'object' } & ObjectLocation)

export type ObjectLocation = {
  readonly group: string
  readonly version: string
  readonly resource: string
  /** Null for a cluster-scoped kind, and for a collection over all namespaces. */
  readonly namespace: string | null
  readonly name: string | null
}

const discovery = ['/version', '/api', '/apis', '/api/v1']
const openapi = ['/openapi/v3', '/openapi/v3/api/v1']
const pathCharacters = /^(?:\/[A-Za-z0-9._:~-]+)+$/
const plural = /^[a-z][a-z0-9-]*$/
const group = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/
const version = /^[a-z][a-z0-9-]*$/
const namespaceName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** Subresources of a namespace, which stand where a namespaced collection would. */
const ofNamespaces = ['status', 'finalize']

/** Reads a raw path, or answers null for one that no request of helm has. */
export function readPath(path: string): Location | null {
  if (!pathCharacters.test(path)) return null
  const segments = path.slice(1).split('/')
  if (segments.some((segment) => segment === '.' || segment === '..')) return null
  if (discovery.includes(path)) return { kind: 'discovery' }
  if (openapi.includes(path)) return { kind: 'openapi' }
  if (segments[0] === 'openapi') return readOpenapi(segments)
  if (segments[0] === 'api') return segments[1] === 'v1' ? readObject('', 'v1', segments.slice(2)) : null
  return segments[0] === 'apis' ? readGroup(segments) : null
}

function readOpenapi([, v3, apis, name, of, ...more]: readonly string[]): Location | null {
  return v3 === 'v3' && apis === 'apis' && isGroupVersion(name, of) && more.length === 0 ? { kind: 'openapi' } : null
}

function readGroup([, name, of, ...rest]: readonly string[]): Location | null {
  if (name === undefined || of === undefined || !isGroupVersion(name, of)) return null
  return rest.length === 0 ? { kind: 'discovery' } : readObject(name, of, rest)
}

const isGroupVersion = (name: string | undefined, of: string | undefined): boolean =>
  name !== undefined && of !== undefined && group.test(name) && version.test(of)

function readObject(name: string, of: string, rest: readonly string[]): Location | null {
  if (rest[0] === 'namespaces' && rest.length > 2) return readNamespaced(name, of, rest)
  const [resource, object = null, ...more] = rest
  if (resource === undefined || more.length > 0 || !plural.test(resource)) return null
  if (name === '' && resource === 'namespaces' && object !== null) return readNamespace(object)
  return { kind: 'object', group: name, version: of, resource, namespace: null, name: object }
}

function readNamespaced(name: string, of: string, rest: readonly string[]): Location | null {
  const [, namespace, resource, object = null, ...more] = rest
  if (namespace === undefined || resource === undefined || more.length > 0) return null
  if (!namespaceName.test(namespace) || !plural.test(resource)) return null
  if (name === '' && ofNamespaces.includes(resource)) return null
  return { kind: 'object', group: name, version: of, resource, namespace, name: object }
}

function readNamespace(namespace: string): Location | null {
  return namespaceName.test(namespace) ? { kind: 'namespace', namespace } : null
}
