import { isJsonObject, type JsonObject } from './json.ts'

/** The objects that one of a manifest stands for: a `List` of Kubernetes is as good as its items, also inside of another. */
export function listItems(object: JsonObject): readonly JsonObject[] {
  const { kind, items } = object
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) return [object]
  return items.filter(isJsonObject).flatMap(listItems)
}
