import { anything, type ListSchema, type Schema, type Struct } from '../../resources/schema.ts'

/**
 * A set of fields of an object, as `metadata.managedFields` holds it, but flat: each member is a path whose elements
 * (`f:spec`, `k:{"name":"web"}`, `v:"a"`) are joined by a NUL. Set operations are then those of strings.
 */
export type FieldSet = ReadonlySet<string>

export const SEPARATOR = '\u0000'

/** The path of a child. */
export const childPath = (path: string, element: string): string => (path === '' ? element : path + SEPARATOR + element)

export type Json = unknown
export type JsonObject = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether server-side apply sees a value of this schema as one whole. */
export function isAtomic(schema: Schema): boolean {
  if (schema.kind === 'list') return schema.keys === undefined && !schema.set
  return schema.kind === 'scalar' || schema.atomic
}

/** The schema of a child of a struct or map; what is not declared is one value. */
export function childSchema(schema: Schema, key: string): Schema {
  if (schema.kind === 'map') return schema.values
  return schema.kind === 'struct' ? (schema.fields.get(key)?.schema ?? anything) : anything
}

/** The path element of a list item: by its keys, with the schema's defaults for those it leaves out. */
export function itemElement(schema: ListSchema, item: unknown): string {
  if (schema.set) return `v:${JSON.stringify(item)}`
  const keys = [...(schema.keys ?? [])].sort().flatMap((key) => {
    const value = (item as JsonObject)[key] ?? (schema.items as Struct).fields.get(key)?.fallback
    return value === undefined ? [] : [[key, value]]
  })
  return `k:${JSON.stringify(Object.fromEntries(keys))}`
}

/** All fields that a value has: what a manager that applies it owns. */
export function fieldsOf(value: unknown, schema: Schema): Set<string> {
  const set = new Set<string>()
  collect(value, schema, '', set)
  return set
}

function collect(value: Json, schema: Schema, path: string, set: Set<string>): void {
  if (isAtomic(schema)) set.add(path)
  else if (schema.kind === 'list') collectItems(value, schema, path, set)
  else if (isObject(value)) for (const key in value) collectChild(value[key], schema, path, key, set)
}

function collectChild(value: Json, schema: Schema, path: string, key: string, set: Set<string>): void {
  if (value === undefined) return
  const child = childPath(path, `f:${key}`)
  collect(value, childSchema(schema, key), child, set)
  const empty = value === null || (isObject(value) && Object.keys(value).length === 0)
  if (empty || schema.kind === 'map') set.add(child)
}

function collectItems(value: Json, schema: ListSchema, path: string, set: Set<string>): void {
  if (!Array.isArray(value)) return
  for (const item of value) {
    const child = childPath(path, itemElement(schema, item))
    if (!schema.set) collect(item, schema.items, child, set)
    set.add(child)
  }
}

/** The set that `fieldsV1` describes. */
export function decodeFields(fieldsV1: JsonObject): Set<string> {
  const set = new Set<string>()
  decodeInto(fieldsV1, '', set)
  return set
}

function decodeInto(node: JsonObject, path: string, set: Set<string>): void {
  for (const key in node) {
    if (key === '.') set.add(path)
    else decodeChild(node[key], childPath(path, key), set)
  }
}

function decodeChild(child: Json, path: string, set: Set<string>): void {
  if (!isObject(child) || Object.keys(child).length === 0) set.add(path)
  else decodeInto(child, path, set)
}

type Node = { member: boolean; children: Map<string, Node> }

/** The `fieldsV1` of a set, keys in order. */
export function encodeFields(set: FieldSet): JsonObject {
  const root: Node = { member: false, children: new Map() }
  for (const path of set) {
    let node = root
    for (const element of path.split(SEPARATOR)) {
      const next = node.children.get(element) ?? { member: false, children: new Map() }
      node.children.set(element, next)
      node = next
    }
    node.member = true
  }
  return encodeNode(root)
}

function encodeNode({ member, children }: Node): JsonObject {
  const entries = [...children].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, node]) => [key, encodeNode(node)])
  return Object.fromEntries(member && entries.length > 0 ? [['.', {}], ...entries] : entries)
}

/** How a conflict names a field: `.spec.template.spec.containers[name="web"].image`. */
export function printPath(path: string): string {
  return path.split(SEPARATOR).map(printElement).join('')
}

function printElement(element: string): string {
  const rest = element.slice(2)
  if (element.startsWith('f:')) return `.${rest}`
  if (element.startsWith('v:')) return `[=${rest}]`
  if (element.startsWith('i:')) return `[${rest}]`
  const keys = Object.entries(JSON.parse(rest) as JsonObject)
  return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`
}
