import type { ForeignObject, GrantedObject } from '../types.ts'
import { type Asked, isGranted } from './grants.ts'
import { type Location, type ObjectLocation, readPath } from './path.ts'

/** The release that an attempt works on. */
export type Room = {
  readonly namespace: string
  readonly release: string
  readonly granted: readonly GrantedObject[]
}

export type RefusalReason =
  | 'odd_path'
  | 'query'
  | 'method'
  | 'outside_namespace'
  | 'cluster_scoped'
  | 'forged_record'
  | 'too_large'
  | 'no_lease'
  | 'overtaken'

/** A request that may pass. `write` means that it may change the cluster, `beyond` that only a grant lets it out. */
export type Admitted =
  | { readonly kind: 'discovery' }
  | { readonly kind: 'read'; readonly beyond: boolean }
  | { readonly kind: 'write'; readonly object: ObjectLocation; readonly beyond: boolean }
export type Refused = {
  readonly kind: 'refused'
  readonly reason: RefusalReason
  /** What was reached for, where the path names an object. */
  readonly object: ForeignObject | null
}

const queryKeys = new Set(
  (
    'fieldManager fieldValidation force labelSelector fieldSelector limit continue resourceVersion ' +
    'resourceVersionMatch watch timeout timeoutSeconds allowWatchBookmarks sendInitialEvents dryRun propagationPolicy'
  ).split(' '),
)
const openapiKeys = new Set([...queryKeys, 'hash'])
const queryValue = /^[^\s;#\\]*$/

const ofCollections = ['GET', 'POST']
const ofObjects = ['GET', 'PATCH', 'DELETE']

/** The namespace wall (SECURITY.md, "The gateway"): decides on the raw request line; bodies are looked at elsewhere. */
export function classifyRequest(method: string, rawUrl: string, room: Room): Admitted | Refused {
  const [path = '', query = '', ...more] = rawUrl.split('?')
  const location = readPath(path)
  if (location === null || more.length > 0) return refused('odd_path')
  const keys = location.kind === 'openapi' ? openapiKeys : queryKeys
  if (!isAllowedQuery(query, keys)) return refused('query', location)
  if (location.kind === 'object') return classifyObject({ method, object: location, query }, room)
  return location.kind === 'namespace'
    ? classifyNamespace({ method, object: namespaceObject(location.namespace), query }, room)
    : classifyDiscovery(method, location)
}

/** The name that helm gives to a revision's record. */
export const isRecordOf = (release: string, name: string): boolean =>
  name.startsWith(`sh.helm.release.v1.${release}.v`) &&
  /^[1-9]\d{0,9}$/.test(name.slice(`sh.helm.release.v1.${release}.v`.length))

/** True for a name that could be taken for any release's record. */
export const looksLikeRecord = (name: string): boolean => name.toLowerCase().startsWith('sh.helm.')

function classifyDiscovery(method: string, location: Location): Admitted | Refused {
  return method === 'GET' ? { kind: 'discovery' } : refused('method', location)
}

/** The release's own namespace may be looked at, another one is an object outside of it. */
function classifyNamespace(asked: Asked, room: Room): Admitted | Refused {
  if (asked.object.name !== room.namespace) {
    return isGranted(asked, room.granted) ? classifyObject(asked, room) : refuse('outside_namespace', asked.object)
  }
  return asked.method === 'GET' ? { kind: 'read', beyond: false } : refuse('method', asked.object)
}

const namespaceObject = (name: string): ObjectLocation => ({
  ...{ group: '', version: 'v1', resource: 'namespaces', namespace: null, name },
})

function classifyObject(asked: Asked, room: Room): Admitted | Refused {
  const { method, object } = asked
  const beyond = object.namespace !== room.namespace
  if (beyond && !isGranted(asked, room.granted)) {
    return refuse(object.namespace === null ? 'cluster_scoped' : 'outside_namespace', object)
  }
  if (!isAllowedMethod(method, object, room)) return refuse('method', object)
  if (isForeignRecord(method, object, room)) return refuse('forged_record', object)
  return method === 'GET' ? { kind: 'read', beyond } : { kind: 'write', object, beyond }
}

function isAllowedMethod(method: string, object: ObjectLocation, room: Room): boolean {
  if (object.name === null) return ofCollections.includes(method)
  return ofObjects.includes(method) || (method === 'PUT' && isSecret(object) && isRecordOf(room.release, object.name))
}

/** Records are changed by helm's own PUT only, and removed only by the release that they belong to. */
function isForeignRecord(method: string, object: ObjectLocation, room: Room): boolean {
  if (method === 'GET' || !isSecret(object) || object.name === null || !looksLikeRecord(object.name)) return false
  return method === 'PATCH' || !isRecordOf(room.release, object.name) || object.namespace !== room.namespace
}

export const isSecret = (object: ObjectLocation): boolean => object.group === '' && object.resource === 'secrets'

/** Keys are compared as they stand: an escaped key is not in the list. */
function isAllowedQuery(query: string, keys: ReadonlySet<string>): boolean {
  if (query === '') return true
  return query.split('&').every((pair) => {
    const at = pair.indexOf('=')
    return keys.has(at < 0 ? pair : pair.slice(0, at)) && queryValue.test(pair)
  })
}

function refused(reason: RefusalReason, location: Location | null = null): Refused {
  return refuse(reason, location === null ? null : foreign(location))
}

const refuse = (reason: RefusalReason, object: ForeignObject | null): Refused => ({ kind: 'refused', reason, object })

function foreign(location: Location): ForeignObject | null {
  if (location.kind === 'object') return location
  return location.kind === 'namespace' ? namespaceObject(location.namespace) : null
}
