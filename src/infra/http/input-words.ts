import type { z } from 'zod'

type Issue = z.core.$ZodIssue
type Of<Code extends Issue['code']> = Extract<Issue, { code: Code }>

/** What the JSON types are called by those who write JSON, not by the library that reads the schemas. */
const kinds: Readonly<Record<string, string>> = {
  record: 'an object',
  object: 'an object',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
}

const formats: Readonly<Record<string, string>> = {
  uuid: 'a UUID',
  datetime: 'a moment such as 2026-01-31T12:00:00Z',
  date: 'a day such as 2026-01-31',
}

/** What is counted of something that has a size; a number has none. */
const units: Readonly<Record<string, string>> = { string: 'characters', array: 'entries' }

const words: { readonly [Code in Issue['code']]: (issue: Of<Code>) => string } = {
  invalid_type: ({ expected }) => `must be ${kinds[expected] ?? `a ${expected}`}`,
  invalid_value: ({ values }) => `must be ${oneOf(values)}`,
  invalid_format: ({ format }) => `must be ${formats[format] ?? `of the form ${format}`}`,
  too_small: tooSmall,
  too_big: tooBig,
  not_multiple_of: ({ divisor }) => `must be a multiple of ${divisor}`,
  unrecognized_keys: ({ keys }) => `has fields that are not known: ${keys.join(', ')}`,
  invalid_key: ({ issues }) => `its key ${issues[0]?.message ?? 'is not allowed'}`,
  invalid_element: ({ issues }) => `an entry of it ${issues[0]?.message ?? 'is not allowed'}`,
  invalid_union: (issue) =>
    'options' in issue && issue.options !== undefined
      ? `must be ${oneOf(issue.options)}`
      : 'has none of the forms that are allowed',
  custom: () => 'is not allowed',
}

function tooSmall({ origin, minimum, inclusive }: Of<'too_small'>): string {
  const unit = units[origin]
  if (unit !== undefined) return Number(minimum) === 1 ? 'must not be empty' : `must have at least ${minimum} ${unit}`
  return inclusive === false ? `must be more than ${minimum}` : `must be at least ${minimum}`
}

function tooBig({ origin, maximum, inclusive }: Of<'too_big'>): string {
  const unit = units[origin]
  if (unit !== undefined) return `must have at most ${maximum} ${unit}`
  return inclusive === false ? `must be less than ${maximum}` : `must be at most ${maximum}`
}

/** What is allowed, never what was given: `a`, `a or b`, `a, b or c`. */
function oneOf(values: readonly unknown[]): string {
  const all = values.map(String)
  const last = all.pop() ?? 'nothing'
  return all.length === 0 ? last : `${all.join(', ')} or ${last}`
}

/** What is wrong with an input, in the words of this API, where its schema has none of its own. Never repeats a value. */
export function wordsOf<Code extends Issue['code']>(issue: { readonly code: Code }): string {
  return words[issue.code](issue as Of<Code>)
}
