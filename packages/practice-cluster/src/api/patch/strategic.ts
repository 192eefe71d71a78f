import { anything, type Field, type Schema } from '../../resources/schema.ts'
import { jsonEqual } from '../../store/equal.ts'
import { badRequest } from '../status.ts'

type Values = Readonly<Record<string, unknown>>

const DIRECTIVE = '$patch'
const RETAIN_KEYS = '$retainKeys'
const DELETE_PRIMITIVES = '$deleteFromPrimitiveList/'
const ORDER = '$setElementOrder/'

const isRecord = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Strategic merge patch: like a merge patch, but lists whose field has a merge key are merged item by item. Knows the
 * directives `$patch`, `$retainKeys`, `$deleteFromPrimitiveList` and `$setElementOrder`.
 * @throws ApiError 400 when an item lacks its merge key.
 */
export function strategicMergePatch(target: unknown, patch: unknown, schema: Schema): unknown {
  if (!isRecord(patch)) return patch
  if (patch[DIRECTIVE] === 'replace') return without(patch, DIRECTIVE)
  if (patch[DIRECTIVE] === 'delete') return {}
  const merged: Record<string, unknown> = isRecord(target) ? { ...retained(target, patch) } : {}
  for (const [key, value] of Object.entries(patch)) mergeMember(merged, key, value, schema)
  for (const [key, order] of Object.entries(patch)) reorder(merged, key, order, schema)
  return merged
}

function without(record: Values, key: string): Values {
  const { [key]: _, ...rest } = record
  return rest
}

function retained(target: Values, patch: Values): Values {
  const keys = patch[RETAIN_KEYS]
  return Array.isArray(keys) ? Object.fromEntries(Object.entries(target).filter(([key]) => keys.includes(key))) : target
}

function fieldOf(schema: Schema, key: string): Pick<Field, 'schema' | 'mergeKey'> {
  if (schema.kind === 'map') return { schema: schema.values, mergeKey: undefined }
  const field = schema.kind === 'struct' ? schema.fields.get(key) : undefined
  return field ?? { schema: anything, mergeKey: undefined }
}

function mergeMember(merged: Record<string, unknown>, key: string, value: unknown, schema: Schema): void {
  if (key.startsWith(DELETE_PRIMITIVES)) {
    const list = key.slice(DELETE_PRIMITIVES.length)
    merged[list] = items(merged[list]).filter((item) => !items(value).some((gone) => jsonEqual(gone, item)))
  } else if (!key.startsWith('$')) {
    if (value === null) delete merged[key]
    else merged[key] = mergeValue(merged[key], value, fieldOf(schema, key))
  }
}

const items = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

function mergeValue(old: unknown, value: unknown, { schema, mergeKey }: Pick<Field, 'schema' | 'mergeKey'>): unknown {
  if (!Array.isArray(value) || mergeKey === undefined || schema.kind !== 'list') {
    return strategicMergePatch(old, value, schema)
  }
  if (mergeKey === '')
    return [...items(old), ...value.filter((item) => !items(old).some((each) => jsonEqual(each, item)))]
  return mergeItems(items(old) as Values[], value as Values[], mergeKey, schema.items)
}

function mergeItems(old: readonly Values[], patch: readonly Values[], mergeKey: string, schema: Schema): unknown[] {
  const directive = patch.find((item) => item[DIRECTIVE] === 'replace' && item[mergeKey] === undefined)
  if (directive !== undefined) return patch.filter((item) => item !== directive)
  const merged: unknown[] = [...old]
  for (const item of patch) {
    const key = item[mergeKey]
    if (key === undefined)
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`)
    const at = merged.findIndex((each) => (each as Values)[mergeKey] === key)
    if (item[DIRECTIVE] === 'delete') merged.splice(at, at < 0 ? 0 : 1)
    else if (at < 0) merged.push(strategicMergePatch(undefined, item, schema))
    else merged[at] = strategicMergePatch(merged[at], item, schema)
  }
  return inPatchOrder(merged as Values[], old, patch, mergeKey)
}

/** Items of the patch and of the list interleaved: a new item comes first, a common one keeps its place in the list. */
function inPatchOrder(
  merged: readonly Values[],
  old: readonly Values[],
  patch: readonly Values[],
  mergeKey: string,
): unknown[] {
  const placeIn = (list: readonly Values[], item: Values) => list.findIndex((each) => each[mergeKey] === item[mergeKey])
  const patched = merged.filter((item) => placeIn(patch, item) >= 0)
  patched.sort((a, b) => placeIn(patch, a) - placeIn(patch, b))
  const others = merged.filter((item) => placeIn(patch, item) < 0)
  const ordered: unknown[] = []
  while (patched.length > 0 && others.length > 0) {
    const [mine, theirs] = [patched[0] as Values, others[0] as Values]
    const patchFirst = placeIn(old, mine) < placeIn(old, theirs)
    ordered.push(patchFirst ? patched.shift() : others.shift())
  }
  return [...ordered, ...patched, ...others]
}

function reorder(merged: Record<string, unknown>, key: string, order: unknown, schema: Schema): void {
  if (!key.startsWith(ORDER)) return
  const list = key.slice(ORDER.length)
  const { mergeKey = '' } = fieldOf(schema, list)
  const keyOf = (item: unknown) => JSON.stringify(mergeKey === '' ? item : (item as Values)[mergeKey])
  const places = new Map(items(order).map((item, place) => [keyOf(item), place]))
  const placeOf = (item: unknown) => places.get(keyOf(item)) ?? places.size
  if (Array.isArray(merged[list])) merged[list] = [...items(merged[list])].sort((a, b) => placeOf(a) - placeOf(b))
}
