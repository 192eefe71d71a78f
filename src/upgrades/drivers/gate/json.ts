import { isJsonObject, type Json, type JsonObject } from '../../../core/json.ts'

/** True for JSON that the cluster takes as the same: the order of keys says nothing, null and empty are as missing. */
export function equivalentJson(one: Json | undefined, other: Json | undefined): boolean {
  if (isMissing(one) || isMissing(other)) return isMissing(one) && isMissing(other)
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((entry, index) => equivalentJson(entry, other[index]))
  }
  if (isJsonObject(one) && isJsonObject(other)) {
    const keys = new Set([...Object.keys(one), ...Object.keys(other)])
    return [...keys].every((key) => equivalentJson(one[key], other[key]))
  }
  return one === other
}

/** JSON without what the cluster takes as missing: equivalent objects become equal ones. */
export function withoutMissing(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutMissing)
  if (!isJsonObject(value)) return value
  const there = Object.entries(value).filter(([, inside]) => !isMissing(inside))
  return Object.fromEntries(there.map(([key, inside]) => [key, withoutMissing(inside)]))
}

/** Go's encoder leaves out what is empty, another one may not. */
function isMissing(value: Json | undefined): value is null | undefined {
  if (value === null || value === undefined) return true
  if (Array.isArray(value)) return value.length === 0
  return isJsonObject(value) && Object.values(value).every(isMissing)
}

/** The merge patch (RFC 7386) that makes `wanted` of `live`; null where nothing differs. */
export function mergePatch(live: JsonObject, wanted: JsonObject): JsonObject | null {
  const keys = new Set([...Object.keys(live), ...Object.keys(wanted)])
  const changes = [...keys].flatMap((key) => {
    const change = changeOf(live[key], wanted[key])
    return change === undefined ? [] : [[key, change] as const]
  })
  return changes.length === 0 ? null : Object.fromEntries(changes)
}

function changeOf(live: Json | undefined, wanted: Json | undefined): Json | undefined {
  if (wanted === undefined) return live === undefined ? undefined : null
  if (isJsonObject(live) && isJsonObject(wanted)) return mergePatch(live, wanted) ?? undefined
  return JSON.stringify(live) === JSON.stringify(wanted) ? undefined : wanted
}

/** Those keys of an object that are there. */
export function pick(object: JsonObject | undefined, keys: readonly string[]): JsonObject {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = object?.[key]
      return value === undefined ? [] : [[key, value] as const]
    }),
  )
}

/** An object without a key. */
export function omit(object: JsonObject, ...keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))
}

/** An object within an object; an empty one where there is none. */
export function within(object: Json | undefined, ...path: readonly string[]): JsonObject {
  const found = path.reduce<Json | undefined>((inner, key) => (isJsonObject(inner) ? inner[key] : undefined), object)
  return isJsonObject(found) ? found : {}
}

/** A number, or what stands for it where there is none. */
export function numberOr(value: Json | undefined, fallback: number): number {
  return typeof value === 'number' ? value : fallback
}

/** The objects of a list; none where it is no list. */
export function objectsIn(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}
