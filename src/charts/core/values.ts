import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import { malformed, Problem } from '../../core/problems.ts'

/** What values may cost (SECURITY.md): bytes of their JSON, and maps or lists inside each other. */
export const valuesLimits = { bytes: 512 * 1024, depth: 64 } as const

/** The one key that an object literal of JavaScript takes for its own; any other is a name like all (SECURITY.md). */
const forbiddenKey = '__proto__'

/**
 * Throws for values that are too large or too deep (`values_too_large`), or that hold a key which no values may hold
 * (`malformed`, naming where). `pointer` is where they stand in the body.
 */
export function checkValues(values: JsonObject, pointer = '/valuesOverride'): void {
  // Depth first: nothing below may recurse into what is deeper.
  checkLevels(values, pointer)
  if (utf8Length(JSON.stringify(values)) > valuesLimits.bytes) {
    throw tooLarge(pointer, 'have more than 512 KiB')
  }
}

const tooLarge = (pointer: string, why: string): Problem =>
  new Problem('values_too_large', `the values ${why}`, { errors: [{ pointer, message: why }] })

/** A container of values and the pointer to it, one level at a time: never deeper than the limit, never recursive. */
type Place = readonly [container: object, pointer: string]

function checkLevels(values: JsonObject, pointer: string): void {
  let level: readonly Place[] = [[values, pointer]]
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > valuesLimits.depth) throw tooLarge(pointer, 'are deeper than 64 levels')
    level = level.flatMap(below)
  }
}

function below([container, pointer]: Place): readonly Place[] {
  const entries: readonly (readonly [string, Json])[] = Object.entries(container)
  if (isJsonObject(container) && Object.hasOwn(container, forbiddenKey))
    throw malformed(`${pointer}/${forbiddenKey}`, 'a key of this name is not allowed')
  return entries.flatMap(([key, value]): Place[] =>
    typeof value === 'object' && value !== null ? [[value, `${pointer}/${escaped(key)}`]] : [],
  )
}

/** A key as a step of a JSON pointer. */
export const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')

function utf8Length(text: string): number {
  let length = text.length
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i)
    // A pair of surrogates is two units and four bytes.
    const surrogate = unit >= 0xd800 && unit < 0xe000
    if (unit >= 0x80) length += unit >= 0x800 && !surrogate ? 2 : 1
  }
  return length
}
