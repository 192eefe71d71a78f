import type { ListSchema, Schema } from '../../resources/schema.ts'
import { childPath, childSchema, type FieldSet, isAtomic, isObject, itemElement, SEPARATOR } from './fieldset.ts'

/** `config` laid over `live`: structs, maps and keyed lists field by field, everything else as a whole. */
export function mergeApplied(live: unknown, config: unknown, schema: Schema): unknown {
  if (config === undefined) return live
  if (isAtomic(schema) || config === null) return config
  if (schema.kind === 'list') return mergeItems(live, config, schema)
  if (!isObject(config)) return config
  const merged: Record<string, unknown> = isObject(live) ? { ...live } : {}
  for (const key in config) {
    if (config[key] === null) delete merged[key]
    else merged[key] = mergeApplied(merged[key], config[key], childSchema(schema, key))
  }
  return merged
}

function mergeItems(live: unknown, config: unknown, schema: ListSchema): unknown {
  if (!Array.isArray(config)) return config
  const old = new Map((Array.isArray(live) ? live : []).map((item) => [itemElement(schema, item), item as unknown]))
  const wanted = new Set(config.map((item) => itemElement(schema, item)))
  const merged: unknown[] = []
  for (const item of config) {
    const element = itemElement(schema, item)
    flushOthers(old.has(element) ? element : undefined, old, wanted, merged)
    merged.push(schema.set ? item : mergeApplied(old.get(element), item, schema.items))
    old.delete(element)
  }
  return [...merged, ...old.values()]
}

/** Items that only the live list has keep their place: before the named common item, or before the next one. */
function flushOthers(
  until: string | undefined,
  old: Map<string, unknown>,
  wanted: ReadonlySet<string>,
  merged: unknown[],
): void {
  for (const [element, item] of [...old]) {
    if (element === until || (until === undefined && wanted.has(element))) return
    if (wanted.has(element)) continue
    merged.push(item)
    old.delete(element)
  }
}

/**
 * Takes away what a manager applied last time and does not apply any more, unless somebody owns it. A struct or list
 * item goes as a whole, with the defaults in it, when nobody owns anything in it.
 */
export function prune(merged: unknown, schema: Schema, last: FieldSet, owned: FieldSet): unknown {
  const kept = withAncestors(owned)
  const gone = new Set([...withAncestors(last)].filter((path) => !kept.has(path)))
  return gone.size === 0 ? merged : remove(merged, schema, '', gone)
}

function withAncestors(set: FieldSet): Set<string> {
  const all = new Set<string>()
  for (const path of set) {
    all.add(path)
    for (let at = path.lastIndexOf(SEPARATOR); at > 0; at = path.lastIndexOf(SEPARATOR, at - 1))
      all.add(path.slice(0, at))
  }
  return all
}

function remove(value: unknown, schema: Schema, path: string, gone: FieldSet): unknown {
  if (isAtomic(schema)) return value
  if (schema.kind === 'list') return removeItems(value, schema, path, gone)
  if (!isObject(value)) return value
  const left = Object.entries(value).flatMap(([key, each]) => {
    const child = childPath(path, `f:${key}`)
    return gone.has(child) ? [] : [[key, remove(each, childSchema(schema, key), child, gone)]]
  })
  return Object.fromEntries(left)
}

function removeItems(value: unknown, schema: ListSchema, path: string, gone: FieldSet): unknown {
  if (!Array.isArray(value)) return value
  return value.flatMap((item) => {
    const child = childPath(path, itemElement(schema, item))
    return gone.has(child) ? [] : [schema.set ? item : remove(item, schema.items, child, gone)]
  })
}
