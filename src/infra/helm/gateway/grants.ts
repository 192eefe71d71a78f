import { isJsonObject, type Json } from '../../../core/json.ts'
import type { GrantedObject } from '../types.ts'
import type { ObjectLocation } from './path.ts'

/** What a request asks for, as its first line says it. */
export type Asked = { readonly method: string; readonly object: ObjectLocation; readonly query: string }

const removing = ['GET', 'DELETE']

/**
 * Whether a grant lets a request out of the namespace: to the very object, or to a list of that object alone. A create
 * names its object in the body: it passes where any of the kind may be made, and `isGrantedCreate` decides.
 */
export function isGranted({ method, object, query }: Asked, granted: readonly GrantedObject[]): boolean {
  const near = granted.filter((each) => isBeside(each, object))
  if (object.name === null && method === 'POST') return near.some(({ only }) => only === null)
  if (object.name === null && method !== 'GET') return false
  const name = object.name ?? selectedName(query)
  return near.some((each) => each.name === name && (each.only === null || removing.includes(method)))
}

/** Whether the object in the body of a create is granted. Only JSON is read: helm sends nothing else. */
export function isGrantedCreate(object: ObjectLocation, body: Buffer, granted: readonly GrantedObject[]): boolean {
  const metadata = metadataOf(body)
  const { name, namespace = '' } = metadata
  if (typeof name !== 'string' || name === '' || (namespace !== '' && namespace !== object.namespace)) return false
  return granted.some((each) => isBeside(each, object) && each.name === name && each.only === null)
}

const isBeside = (granted: GrantedObject, { group, resource, namespace }: ObjectLocation): boolean =>
  granted.group === group && granted.resource === resource && granted.namespace === namespace

function selectedName(query: string): string | null {
  const selectors = new URLSearchParams(query).getAll('fieldSelector')
  const [, name = null] = /^metadata\.name=([^,=!]+)$/.exec(selectors[0] ?? '') ?? []
  return selectors.length === 1 ? name : null
}

function metadataOf(body: Buffer): { readonly [key: string]: Json } {
  try {
    const object: unknown = JSON.parse(body.toString('utf8'))
    return isJsonObject(object) && isJsonObject(object.metadata) ? object.metadata : {}
  } catch {
    return {}
  }
}
