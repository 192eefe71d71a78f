import { isJsonObject, type Json } from '../../core/json.ts'
import { Problem } from '../../core/problems.ts'
import { keptText } from '../../core/text.ts'

/** Replaces every text that must not be shown by `***`, wherever it stands in a value: also inside of texts and keys. */
export type Mask = <T extends Json>(value: T) => T

/** What stands in the place of a value that may not be shown (SPEC section 1). */
export const hidden = '***'
/** Shorter texts stand everywhere: to hide them would leave nothing readable, and would say more than it hides. */
const shortest = 4
/** Beyond so many parts of texts, which no honest chart has, every text is hidden. */
const mostParts = 300
/** A longer text is looked for in parts: patterns must not grow with it. */
const longest = 200

/** Shows everything as it is. */
export const showAll: Mask = (value) => value

/**
 * Hides these texts in every form in which templates, servers and logs write them: as they are, in any case, line by
 * line, escaped as JSON, as HTML or for a URL, and in base64, also of a longer text that holds them.
 */
export function maskOf(texts: readonly string[]): Mask {
  const parts = [...new Set(texts.filter((text) => text !== hidden).flatMap(partsOf))]
  if (parts.length === 0) return showAll
  const replace = parts.length > mostParts ? () => hidden : replacer(parts)
  return <T extends Json>(value: T): T => masked(value, replace) as T
}

/**
 * As `maskOf`, for texts of which no number is known beforehand. Those of the fewest parts are looked for wherever they stand. A
 * text that shares a line with one of the others, or is one in base64, is hidden as a whole.
 */
export function maskOfMany(texts: readonly string[]): Mask {
  const counted = [...new Set(texts)].map((text) => ({ text, parts: partsOf(text).length }))
  let left = mostParts
  const fits = counted
    .sort((one, other) => one.parts - other.parts)
    .filter(({ parts }) => {
      left -= parts
      return left >= 0
    })
  const [few, long] = [fits, counted.slice(fits.length)].map((some) => some.map(({ text }) => text)) as [
    string[],
    string[],
  ]
  return long.length === 0 ? maskOf(few) : bothMasks(lineMask(long), maskOf(few))
}

function lineMask(texts: readonly string[]): Mask {
  const lines = new Set(texts.flatMap((text) => [...linesOf(text), Buffer.from(text).toString('base64')]))
  const replace = (text: string) => (linesOf(text).some((line) => lines.has(line)) ? hidden : text)
  return <T extends Json>(value: T): T => masked(value, replace) as T
}

const linesOf = (text: string): readonly string[] =>
  text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line.length >= shortest)

/** So much is shown of what a cluster says of one thing. */
const mostSaid = 500

/**
 * What a cluster says, as it may be shown, and no longer than that. It is masked whole: of a hidden text that a cut has gone
 * through before, what is left would be shown.
 */
export const maskedSaying = (text: string, mask: Mask): string => keptText(mask<string>(text).slice(0, mostSaid))

/** The beginning of a text that is masked already, no longer than that. */
export const beginningOf = (text: string, most: number): string =>
  text.length <= most ? text : `${keptText(text.slice(0, most - 1))}…`

/** The end of a text that is masked already, no longer than that. */
export const endOf = (text: string, most: number): string =>
  text.length <= most ? text : `…${keptText(text.slice(1 - most))}`

/** The texts of a value of a known form: its keys and numbers are ours. */
export function maskedTexts<T>(value: T, mask: Mask): T {
  if (typeof value === 'string') return mask<string>(value) as T
  if (Array.isArray(value)) return value.map((item) => maskedTexts(item, mask)) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, maskedTexts(inner, mask)])) as T
}

/** One mask after another. */
export const bothMasks =
  (one: Mask, other: Mask): Mask =>
  (value) =>
    other(one(value))

/** What was thrown, as it may be shown. `kept` names what of a `Problem` is masked already, or holds no text of the values. */
export function maskedProblem(error: unknown, mask: Mask, kept: readonly string[] = []): unknown {
  if (!(error instanceof Problem) || mask === showAll) return error
  const errors = error.errors.map(({ pointer, message }) => ({ pointer: mask(pointer), message: mask(message) }))
  const extra = Object.entries(error.extra).map(([key, value]) => [key, kept.includes(key) ? value : mask(value)])
  return new Problem(error.code, mask(error.message), { errors, extra: Object.fromEntries(extra) })
}

/** So much is told of what helm or a cluster has refused. */
export const mostDetail = 1000

/** The same of what helm says of a chart and its values: masked whole, and cut then. */
export function maskedRefusal(error: unknown, mask: Mask, kept: readonly string[] = []): unknown {
  const shown = maskedProblem(error, mask, kept)
  if (!(shown instanceof Problem)) return shown
  const errors = shown.errors.map(({ pointer, message }) => ({ pointer, message: beginningOf(message, mostDetail) }))
  return new Problem(shown.code, beginningOf(shown.message, mostDetail), { errors, extra: shown.extra })
}

function masked(value: Json, replace: (text: string) => string): Json {
  if (typeof value === 'string') return replace(value)
  if (typeof value === 'number') return replace(String(value)) === String(value) ? value : hidden
  if (Array.isArray(value)) return value.map((item) => masked(item, replace))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [replace(key), masked(inner, replace)]))
}

function replacer(parts: readonly string[]): (text: string) => string {
  const forms = [...new Set(parts.flatMap(patternsOf))].sort((one, other) => other.length - one.length)
  const pattern = new RegExp(forms.join('|'), 'gi')
  return (text) => text.replace(pattern, hidden)
}

/** The lines of a text, which a template may indent, and how templates write a large number: `1.234567e+06`. */
function partsOf(text: string): readonly string[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  const number = /^-?\d+(\.\d+)?$/.test(text) ? Number(text).toExponential() : ''
  const go = number.replace(/e([+-])(\d)$/, 'e$10$2')
  const found = [...lines, go].filter((part) => part.length >= shortest)
  const whole = found.length === 0 && text.length >= shortest ? [text] : found
  return whole.flatMap(cut)
}

/** Parts that are short enough to be looked for; the last one is no shorter than it must be. */
function cut(text: string): readonly string[] {
  if (text.length <= longest + shortest) return [text]
  return [text.slice(0, longest), ...cut(text.slice(longest))]
}

const patternsOf = (text: string): readonly string[] => [
  (text.match(/(.)\1*/gsu) ?? []).map(runPattern).join(''),
  ...encoded(text).map((form) => form.replace(/[+/]/g, '\\$&')),
]

/**
 * A run of one sign, in each way in which it may be written. Alternatives within a run never overlap and repetitions are
 * bounded: a hostile text cannot make the search slow.
 */
function runPattern(run: string): string {
  const [sign = ''] = run
  const count = run.length / sign.length
  if (/[A-Za-z0-9_]/.test(sign)) return run
  const percent = [...Buffer.from(sign)].map((byte) => `%${hex(byte, 2)}`).join('')
  const units = [...Array(sign.length).keys()].map((at) => `${slashes}u${hex(sign.charCodeAt(at), 4)}`).join('')
  const one = sign === "'" || sign === '\\' ? [] : [literal(sign)]
  const forms = [...one, percent, units, ...(otherwise[sign] ?? [])].join('|')
  return `(?:${doubled(sign, count)}(?:${forms}){${count}})`
}

/** YAML doubles a quote, JSON a backslash, and JSON in JSON once more. */
function doubled(sign: string, count: number): string {
  if (sign === "'") return `'{${count},${2 * count}}|`
  return sign === '\\' ? `\\\\{${count},${4 * count}}|` : ''
}

/** What stands before an escaped sign, in JSON that may stand in JSON. */
const slashes = '\\\\{1,4}'
const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0')
const literal = (sign: string): string => sign.replace(/[.*+?^${}()|[\]\\/-]/, '\\$&')

/** Patterns of how JSON, YAML, HTML and URLs write a sign besides. */
const otherwise: Readonly<Record<string, readonly string[]>> = {
  '"': [`${slashes}"`, '&#34;', '&quot;'],
  "'": [`${slashes}'`, '&#39;', '&apos;'],
  '<': ['&lt;'],
  '>': ['&gt;'],
  '&': ['&amp;'],
  '+': ['&#43;'],
  ' ': ['\\+'],
  '/': [`${slashes}\\/`],
  '\n': [`${slashes}n`],
  '\r': [`${slashes}r`],
  '\t': [`${slashes}t`],
}

/** Base64 of the text, and what of it is the same wherever the text begins within a longer one. */
function encoded(text: string): readonly string[] {
  const bytes = Buffer.from(text)
  const inside = [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    return whole.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
  })
  const standard = [bytes.toString('base64'), ...inside].filter((form) => form.length >= shortest)
  return standard.flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')])
}
