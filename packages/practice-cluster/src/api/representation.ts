import { groupVersionOf, isBuiltIn } from '../resources/table.ts'
import type { KubeObject, ResourceType } from '../store/types.ts'
import { tableOf, tableText } from './table/table.ts'

/** In which form a client wants objects: whole, their metadata only, or as the rows that kubectl prints. */
export type Form = 'Object' | 'PartialObjectMetadata' | 'Table'

/** What the Accept header asks for; the first form that the server has. */
export function formOf(accept: string): Form {
  for (const part of accept.split(',')) {
    const as = /;\s*as=(\w+)/.exec(part)?.[1]
    if (as === 'Table') return 'Table'
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return 'PartialObjectMetadata'
    if (as === undefined && /json|\*/.test(part)) return 'Object'
  }
  return 'Object'
}

const texts = new WeakMap<KubeObject, string>()

/** The JSON of a stored object; written once, since stored objects never change. */
export function jsonOf(object: KubeObject): string {
  const known = texts.get(object)
  if (known !== undefined) return known
  const { kind, apiVersion, ...rest } = object
  const text = JSON.stringify({ kind, apiVersion, ...rest })
  texts.set(object, text)
  return text
}

/** A list item: lists of built-in kinds leave out what each item is. */
function itemText(object: KubeObject): string {
  const text = jsonOf(object)
  const head = `{"kind":"${object.kind}","apiVersion":"${object.apiVersion}",`
  return text.startsWith(head) ? `{${text.slice(head.length)}` : text
}

/** The JSON of one object in the wanted form. */
export function objectText(type: ResourceType, object: KubeObject, form: Form, includeObject: string): string {
  if (form === 'Table') return tableText(tableOf(type, [object], includeObject), object.metadata.resourceVersion)
  return form === 'Object' ? jsonOf(object) : partialText(object)
}

export function partialText({ metadata }: KubeObject): string {
  return JSON.stringify({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata })
}

export type ListMeta = {
  readonly resourceVersion: string
  readonly continue?: string
  readonly remainingItemCount?: number
}

/** The JSON of a list in the wanted form. */
export function listText(
  type: ResourceType,
  items: readonly KubeObject[],
  metadata: ListMeta,
  form: Form,
  includeObject: string,
): string {
  if (form === 'Table') return tableText(tableOf(type, items, includeObject), metadata.resourceVersion, metadata)
  const partial = form === 'PartialObjectMetadata'
  const kind = partial ? 'PartialObjectMetadataList' : `${type.kind}List`
  const apiVersion = partial ? 'meta.k8s.io/v1' : groupVersionOf(type)
  const texts = items.map(partial ? partialText : isBuiltIn(type) ? itemText : jsonOf)
  return `{"kind":"${kind}","apiVersion":"${apiVersion}","metadata":${JSON.stringify(metadata)},"items":[${texts.join(',')}]}`
}
