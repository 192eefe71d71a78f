import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'

/** A step into a list as the API server writes it: `[name="main"]`, `[0]`. */
const listStep = /^\[(?:([A-Za-z]\w*)="((?:[^"\\]|\\.)*)"[^\]]*|(\d+))\]/

/**
 * What stands at a path such as `.spec.template.spec.containers[name="main"].image`; null where nothing does, and for a path of
 * a form that is not known here: better no value than a wrong one. The API server writes keys as they are, dots too, so
 * the object itself tells where one ends.
 */
export function valueAt(body: Json, path: string): Json {
  if (path === '') return body
  if (isJsonObject(body)) {
    const key = keyAt(body, path)
    return key === null ? null : valueAt(body[key] ?? null, path.slice(key.length + 1))
  }
  const found = listStep.exec(path)
  if (!Array.isArray(body) || found === null) return null
  const [step, key, value = '', index] = found
  const item =
    key === undefined ? body[Number(index)] : body.find((each) => isJsonObject(each) && String(each[key]) === value)
  return valueAt(item ?? null, path.slice(step.length))
}

/** The longest key that the path can begin with. */
function keyAt(body: JsonObject, path: string): string | null {
  const fitting = Object.keys(body).filter(
    (key) => path.startsWith(`.${key}`) && ['', '.', '['].includes(path.charAt(key.length + 1)),
  )
  return fitting.toSorted((a, b) => b.length - a.length)[0] ?? null
}
