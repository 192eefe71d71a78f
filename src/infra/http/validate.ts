import type { z } from 'zod'
import { type FieldError, Problem } from '../../core/problems.ts'
import { wordsOf } from './input-words.ts'

/** Where an input came from; the body's fields are named by a bare JSON pointer. */
export type InputPart = 'body' | 'query' | 'path' | 'header'

/** Reads an input by its schema. Throws `malformed` naming every wrong field; never repeats a value. */
export function parseInput<T extends z.ZodType>(part: InputPart, schema: T, input: unknown): z.output<T> {
  const result = schema.safeParse(input, { error: wordsOf })
  if (result.success) return result.data
  throw inputProblem(onePerField(result.error.issues.flatMap((issue) => fieldErrors(part, issue, input))))
}

/** What a field is not at all also fails what is asked of it further: the first message says enough. */
const onePerField = (errors: readonly FieldError[]): readonly FieldError[] =>
  errors.filter(({ pointer }, n) => errors.findIndex((each) => each.pointer === pointer) === n)

/** The `malformed` problem of one or more wrong fields. */
export function inputProblem(errors: readonly FieldError[]): Problem {
  const [first] = errors
  const detail =
    errors.length === 1 && first
      ? `${first.pointer || 'body'}: ${first.message}`
      : `${errors.length} fields are wrong: ${errors.map((e) => e.pointer || 'body').join(', ')}`
  return new Problem('malformed', detail, { errors })
}

function fieldErrors(part: InputPart, issue: z.core.$ZodIssue, input: unknown): FieldError[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ pointer: pointer(part, [...issue.path, key]), message: 'is not a known field' }))
  const missing = valueAt(input, issue.path) === undefined
  return [{ pointer: pointer(part, issue.path), message: missing ? 'is required' : issue.message }]
}

/** RFC 6901 for the body (`/a/0/b`), `query/NAME`, `path/NAME`, `header/NAME` otherwise. */
export function pointer(part: InputPart, path: readonly PropertyKey[]): string {
  const steps = path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  return part === 'body' ? steps : `${part}${steps}`
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<PropertyKey, unknown>)[step]
  }
  return value
}
