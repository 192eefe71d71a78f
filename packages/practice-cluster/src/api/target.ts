import { groupVersionOf } from '../resources/table.ts'
import type { ResourceType } from '../store/types.ts'
import type { Target } from './call.ts'

const NOTHING = { namespace: undefined, name: undefined, subresource: undefined }

/** Finds the kind that a path is about, among those that the server knows. */
export type Kinds = (groupVersion: string, plural: string) => ResourceType | undefined

/** The table of kinds as a lookup. */
export function kindsOf(all: readonly ResourceType[]): Kinds {
  const byPath = new Map(all.map((type) => [`${groupVersionOf(type)}/${type.plural}`, type]))
  return (groupVersion, plural) => byPath.get(`${groupVersion}/${plural}`)
}

/** Reads `/api/v1/namespaces/NS/pods/NAME/status` and its like; undefined when the path names no kind. */
export function parseTarget(path: string, kinds: Kinds): Target | undefined {
  const parts = decodedParts(path)
  if (parts === undefined) return undefined
  const core = parts[0] === 'api'
  const groupVersion = core ? (parts[1] ?? '') : `${parts[1]}/${parts[2]}`
  const rest = parts.slice(core ? 2 : 3)
  if (rest[0] === 'namespaces' && rest.length > 2 && !isNamespaceSubresource(rest)) {
    return namespacedTarget(rest, kinds, groupVersion)
  }
  const [plural = '', name, subresource] = rest
  const type = kinds(groupVersion, plural)
  return type === undefined || rest.length > 3 ? undefined : { ...NOTHING, type, name, subresource }
}

/** The parts of a path, or undefined when an escape in it is broken. */
export function decodedParts(path: string): string[] | undefined {
  try {
    return path.split('/').slice(1).map(decodeURIComponent)
  } catch {
    return undefined
  }
}

const isNamespaceSubresource = (rest: readonly string[]): boolean =>
  rest.length === 3 && (rest[2] === 'status' || rest[2] === 'finalize')

function namespacedTarget(rest: readonly string[], kinds: Kinds, groupVersion: string): Target | undefined {
  const [, namespace, plural = '', name, subresource] = rest
  const type = kinds(groupVersion, plural)
  if (type === undefined || !type.namespaced || (rest.length > 5 && subresource !== 'proxy')) return undefined
  return { type, namespace, name, subresource }
}
