import { decodedParts } from '../api/target.ts'
import type { Attributes } from './rules.ts'

type Asked = { readonly method: string; readonly path: string; readonly query: URLSearchParams }

const VERBS: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}
const OF_NAMESPACES = ['status', 'finalize']

/** What a request wants to do, read from its path alone: whether such a kind exists is asked later. */
export function attributesOf(call: Asked): Attributes {
  const parts = decodedParts(call.path) ?? []
  const prefix = parts[0] === 'api' ? 2 : 3
  const isResource = (parts[0] === 'api' || parts[0] === 'apis') && (parts[prefix] ?? '') !== ''
  if (!isResource) return { kind: 'path', verb: call.method.toLowerCase(), path: call.path }
  const { namespace, rest } = located(parts.slice(prefix))
  const [resource = '', named = '', subresource = ''] = rest
  const verb = verbOf(call, named === '')
  const name = named === '' && (verb === 'list' || verb === 'watch') ? selectedName(call.query) : named
  return { kind: 'resource', verb, group: prefix === 2 ? '' : (parts[1] ?? ''), resource, subresource, namespace, name }
}

/** A namespace itself counts as lying in itself. */
function located(rest: readonly string[]): { readonly namespace: string; readonly rest: readonly string[] } {
  if (rest[0] !== 'namespaces' || rest[1] === undefined) return { namespace: '', rest }
  const ofItself = rest.length < 3 || OF_NAMESPACES.includes(rest[2] ?? '')
  return { namespace: rest[1], rest: ofItself ? rest : rest.slice(2) }
}

function verbOf({ method, query }: Asked, isCollection: boolean): string {
  if (!isCollection) return VERBS[method] ?? ''
  if (method === 'DELETE') return 'deletecollection'
  if (method !== 'GET' && method !== 'HEAD') return VERBS[method] ?? ''
  return ['true', '1'].includes(query.get('watch') ?? '') ? 'watch' : 'list'
}

/** A list of the one object of a name asks for that name. */
function selectedName(query: URLSearchParams): string {
  const terms = (query.get('fieldSelector') ?? '').split(',')
  return terms.map((term) => /^metadata\.name={1,2}([^=!]+)$/.exec(term)?.[1]).find((name) => name !== undefined) ?? ''
}
