import type { Field, ListSchema, Schema } from '../../resources/schema.ts'
import { jsonEqual } from '../../store/equal.ts'
import { childPath, childSchema, type FieldSet, isAtomic, isObject, itemElement } from './fieldset.ts'

/** What differs between two objects of a schema. */
export type Comparison = { readonly added: FieldSet; readonly modified: FieldSet; readonly removed: FieldSet }

type Sets = { added: Set<string>; modified: Set<string>; removed: Set<string> }

/** Which fields `next` adds, changes and no longer has. */
export function compare(old: unknown, next: unknown, schema: Schema): Comparison {
  const sets: Sets = { added: new Set(), modified: new Set(), removed: new Set() }
  walk(old, next, schema, '', sets)
  return sets
}

function walk(old: unknown, next: unknown, schema: Schema, path: string, sets: Sets): void {
  if (old === next) return
  if (isAtomic(schema)) compareWhole(old, next, path, sets)
  else if (schema.kind === 'list') walkItems(list(old), list(next), schema, path, sets)
  else walkFields(old, next, schema, path, sets)
}

function compareWhole(old: unknown, next: unknown, path: string, sets: Sets): void {
  if (old === undefined || old === null) sets.added.add(path)
  else if (next === undefined || next === null) sets.removed.add(path)
  else if (!jsonEqual(old, next)) sets.modified.add(path)
}

function walkFields(old: unknown, next: unknown, schema: Schema, path: string, sets: Sets): void {
  const before = isObject(old) ? old : {}
  const after = isObject(next) ? next : {}
  markWhole(old, next, path, sets)
  for (const key in after) walkField(old, next, schema, path, key, sets)
  for (const key in before) if (!(key in after)) walkField(old, next, schema, path, key, sets)
}

/** A struct or map that appears or vanishes is a member itself; one that is embedded by value was always there. */
function markWhole(old: unknown, next: unknown, path: string, sets: Sets): void {
  if (path === '') return
  if (!isObject(old) && isObject(next)) sets.added.add(path)
  else if (isObject(old) && !isObject(next)) sets.removed.add(path)
}

function walkField(old: unknown, next: unknown, schema: Schema, path: string, key: string, sets: Sets): void {
  const field = schema.kind === 'struct' ? schema.fields.get(key) : undefined
  const at = (parent: unknown) => valueAt(parent, field, key, path === '')
  const child = childPath(path, `f:${key}`)
  const [before, after] = [at(old), at(next)]
  if (field?.schema.kind === 'list' && !field.required && !isAtomic(field.schema)) markList(before, after, child, sets)
  walk(before, after, childSchema(schema, key), child, sets)
}

/** A field's value; a struct that is embedded by value is there as soon as its parent is. */
function valueAt(parent: unknown, field: Field | undefined, key: string, atRoot: boolean): unknown {
  const value = isObject(parent) ? parent[key] : undefined
  return value ?? (field?.value === true && (atRoot || isObject(parent)) ? {} : undefined)
}

function markList(old: unknown, next: unknown, path: string, sets: Sets): void {
  const [before, after] = [list(old).length, list(next).length]
  if (before === 0 && after > 0) sets.added.add(path)
  else if (before > 0 && after === 0) sets.removed.add(path)
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function walkItems(
  old: readonly unknown[],
  next: readonly unknown[],
  schema: ListSchema,
  path: string,
  sets: Sets,
): void {
  const byElement = (items: readonly unknown[]) => new Map(items.map((item) => [itemElement(schema, item), item]))
  const before = byElement(old)
  const after = byElement(next)
  for (const [element, item] of after) {
    const child = childPath(path, element)
    if (!before.has(element)) sets.added.add(child)
    if (!schema.set) walk(before.get(element), item, schema.items, child, sets)
  }
  for (const [element, item] of before) {
    if (after.has(element)) continue
    sets.removed.add(childPath(path, element))
    if (!schema.set) walk(item, undefined, schema.items, childPath(path, element), sets)
  }
}
