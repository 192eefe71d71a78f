import { canonicalJson, isJsonObject, type Json } from '../core/json.ts'
import { hidden, type Mask } from '../infra/secrets/mask.ts'
import type { FieldConflict } from './core/model.ts'

/** So much is shown of a text, and of a list or map as JSON. */
const textLimit = 200
const partLimit = 500
/** What is shown before the place where two long values begin to differ. */
const before = 50

/**
 * A field of another hand as its tenant reads it: masked, and then cut, once nothing in it is secret. What is longer than the
 * limit becomes a text around the place where the two values begin to differ, with `…` where it was cut: how long values
 * begin tells nobody what has changed. Where a secret stands in what is wanted, the other hand may have written a newer one,
 * which no mask knows: nothing is shown of what it wrote.
 */
export function shownConflict(field: FieldConflict, mask: Mask): FieldConflict {
  const { object, manager } = field
  return { object: mask(object), field: mask(field.field), manager: mask(manager), ...shownSides(field, mask) }
}

/** A conflict of evidence likewise. One that only helm has named has no values. */
export function shownNamed(conflict: Json, mask: Mask): Json {
  if (!isJsonObject(conflict)) return mask(conflict)
  const { live, wanted } = conflict
  return live === undefined || wanted === undefined
    ? mask(conflict)
    : { ...mask(conflict), ...shownSides({ live, wanted }, mask) }
}

type Sides = { readonly live: Json; readonly wanted: Json }

function shownSides({ live, wanted }: Sides, mask: Mask): Sides {
  const masked = mask(wanted)
  const isSecret = live !== null && canonicalJson(masked) !== canonicalJson(wanted)
  return bounded(isSecret ? hidden : mask(live), masked)
}

function bounded(live: Json, wanted: Json): Sides {
  const [one, other] = [textOf(live), textOf(wanted)]
  const from = Math.max(0, differAt(one, other) - before)
  return { live: cut(live, one, from), wanted: cut(wanted, other, from) }
}

/** A text as it is; else JSON, in which the order of keys makes no difference. */
const textOf = (value: Json): string => (typeof value === 'string' ? value : canonicalJson(value))

/** Where they begin to differ; 0 where they are the same. */
function differAt(one: string, other: string): number {
  const shorter = Math.min(one.length, other.length)
  for (let at = 0; at < shorter; at++) if (one[at] !== other[at]) return at
  return one.length === other.length ? 0 : shorter
}

function cut(value: Json, text: string, from: number): Json {
  const limit = typeof value === 'string' ? textLimit : partLimit
  if (text.length <= limit) return value
  const end = from + limit
  return `${from > 0 ? '…' : ''}${text.slice(from, end)}${end < text.length ? '…' : ''}`
}
