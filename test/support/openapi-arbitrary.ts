import fc, { type Arbitrary } from 'fast-check'
import type { OpenApiDocument } from '../../src/infra/http/openapi.ts'

type Schema = { readonly [keyword: string]: unknown }

/**
 * Values for a schema of the document: mostly ones that fit, with a part here and there that does not, so that what is
 * wrong gets past the first look.
 */
export function arbitraryOf(document: OpenApiDocument, schema: Schema): Arbitrary<unknown> {
  const fitting = fittingOf(document, schema)
  return fc.oneof({ weight: 6, arbitrary: fitting }, { weight: 1, arbitrary: anything })
}

/** Any JSON, odd text included: NUL, halves of surrogate pairs, `__proto__`. */
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', '\0', '\ud800', '__proto__', '../..', '%'))
const anything = fc.oneof(fc.jsonValue(), text, fc.constantFrom(-1, 0, 1e308, 2 ** 53, -0.5))

function fittingOf(document: OpenApiDocument, schema: Schema): Arbitrary<unknown> {
  if (typeof schema.$ref === 'string') return fittingOf(document, named(document, schema.$ref))
  const choices = (schema.anyOf ?? schema.oneOf) as readonly Schema[] | undefined
  if (choices !== undefined) return fc.oneof(...choices.map((choice) => arbitraryOf(document, choice)))
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]))
  const make = byType[String(schema.type)]
  return make === undefined ? anything : make(document, schema)
}

function named(document: OpenApiDocument, ref: string): Schema {
  return document.components.schemas[ref.split('/').at(-1) ?? ''] ?? {}
}

const byType: Readonly<Record<string, (document: OpenApiDocument, schema: Schema) => Arbitrary<unknown>>> = {
  string: (_, { format, pattern, maxLength }) => {
    if (format === 'uuid') return fc.uuid()
    if (format === 'date-time') return fc.date({ noInvalidDate: true }).map((date) => date.toISOString())
    if (typeof pattern === 'string') return fc.stringMatching(new RegExp(pattern, 'u'))
    return fc.string({ maxLength: Math.min(Number(maxLength ?? 50), 600) })
  },
  integer: (_, { minimum, maximum }) =>
    fc.integer({ min: Math.max(Number(minimum ?? 0), -(2 ** 31)), max: Math.min(Number(maximum ?? 9), 2 ** 31 - 1) }),
  number: () => fc.double(),
  boolean: () => fc.boolean(),
  array: (document, { items }) => fc.array(arbitraryOf(document, (items ?? {}) as Schema), { maxLength: 5 }),
  object: (document, { properties, required, additionalProperties }) => {
    const parts = Object.entries((properties ?? {}) as Readonly<Record<string, Schema>>)
    const model = Object.fromEntries(parts.map(([name, part]) => [name, arbitraryOf(document, part)]))
    const known = fc.record(model, { requiredKeys: (required ?? []) as string[] })
    return additionalProperties === undefined || additionalProperties === false
      ? known
      : fc.tuple(known, fc.dictionary(text, anything)).map(([own, more]) => ({ ...more, ...own }))
  },
}
