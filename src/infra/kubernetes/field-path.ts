import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'

const literal = '"(?:[^"\\\\]|\\\\.)*"|[^\\],"]+'
const pair = `[A-Za-z]\\w*=(?:${literal})`
/** A step into a list as the API server writes it: `[name="main"]`, `[port=80,protocol="TCP"]`, `[="a"]` of a set, `[0]`. */
const listStep = new RegExp(`^\\[(?:(?<keys>${pair}(?:,${pair})*)|=(?<member>${literal})|(?<index>\\d+))\\]`)
const pairs = new RegExp(`([A-Za-z]\\w*)=(${literal})`, 'g')

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
  const { keys, member, index } = found.groups ?? {}
  const rest = path.slice(found[0].length)
  if (keys !== undefined) return valueAt(itemOf(body, keys), rest)
  return valueAt(
    (member === undefined ? body[Number(index)] : body.find((each) => isWritten(each, member))) ?? null,
    rest,
  )
}

/** The item with these keys. What a chart leaves out of them, a `protocol`, the server fills in: the item is found by the others. */
function itemOf(items: readonly Json[], keys: string): Json {
  const wanted = [...keys.matchAll(pairs)].map(([, key = '', value = '']) => ({ key, value }))
  const fits = (item: Json, mayLack: boolean) =>
    isJsonObject(item) &&
    wanted.every(({ key, value }) => (key in item ? isWritten(item[key] ?? null, value) : mayLack)) &&
    wanted.some(({ key }) => key in item)
  return items.find((item) => fits(item, false)) ?? items.find((item) => fits(item, true)) ?? null
}

/** The value is what the path names: texts in quotes, all else as it is. */
const isWritten = (value: Json, named: string): boolean => JSON.stringify(value) === named

/** The longest key that the path can begin with. */
function keyAt(body: JsonObject, path: string): string | null {
  const fitting = Object.keys(body).filter(
    (key) => path.startsWith(`.${key}`) && ['', '.', '['].includes(path.charAt(key.length + 1)),
  )
  return fitting.toSorted((a, b) => b.length - a.length)[0] ?? null
}
