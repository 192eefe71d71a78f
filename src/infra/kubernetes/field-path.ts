import { isJsonObject, type Json } from '../../core/json.ts'

/** A step of a field's path as the API server writes it: `.spec`, `[name="main"]`, `[0]`. */
type Step =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'item'; readonly key: string; readonly value: string }
  | { readonly kind: 'index'; readonly index: number }

const step = /\.([^.[\]]+)|\[([A-Za-z]\w*)="((?:[^"\\]|\\.)*)"[^\]]*\]|\[(\d+)\]/y

/** What stands at a path such as `.spec.template.spec.containers[name="main"].image`; null where nothing does. */
export function valueAt(body: Json, path: string): Json {
  const steps = parse(path)
  if (steps === null) return null
  return steps.reduce<Json>((inner, next) => down(inner, next) ?? null, body)
}

/** Null for a path of a form that is not known here: better no value than a wrong one. */
function parse(path: string): readonly Step[] | null {
  const steps: Step[] = []
  step.lastIndex = 0
  while (step.lastIndex < path.length) {
    const found = step.exec(path)
    if (found === null) return null
    const [, key, item, value = '', index] = found
    if (key !== undefined) steps.push({ kind: 'key', key })
    else if (item !== undefined) steps.push({ kind: 'item', key: item, value })
    else steps.push({ kind: 'index', index: Number(index) })
  }
  return steps
}

function down(value: Json, next: Step): Json | undefined {
  if (next.kind === 'key') return isJsonObject(value) ? value[next.key] : undefined
  if (!Array.isArray(value)) return undefined
  if (next.kind === 'index') return value[next.index]
  return value.find((entry) => isJsonObject(entry) && String(entry[next.key]) === next.value)
}
