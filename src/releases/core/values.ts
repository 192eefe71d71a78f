import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'

/**
 * Merges overrides into a base by Helm's rules (SPEC section 3): maps merge, lists and scalars replace, and `null` is
 * kept, because it is what removes a chart's default. Keys are copied into objects without a prototype.
 */
export function mergeValues(base: JsonObject, overrides: JsonObject): JsonObject {
  const merged: Record<string, Json> = Object.assign(Object.create(null), base)
  for (const [key, value] of Object.entries(overrides)) merged[key] = mergeValue(merged[key], value)
  return merged
}

function mergeValue(base: Json | undefined, value: Json): Json {
  return isJsonObject(base) && isJsonObject(value) ? mergeValues(base, value) : value
}

export const valuesModes = ['merge', 'replace'] as const
export type ValuesMode = (typeof valuesModes)[number]

/** The complete user-supplied values of an upgrade: the stored overrides with the request's, or the request's alone. */
export function nextValues(stored: JsonObject, requested: JsonObject | undefined, mode: ValuesMode): JsonObject {
  const wanted = requested ?? {}
  return mode === 'replace' ? wanted : mergeValues(stored, wanted)
}
