import type { KubeInput } from '../../store/types.ts'
import { type FieldError, invalidValue, requiredValue, unsupportedValue } from '../validation/errors.ts'
import type { Structural } from './schema.ts'

type Values = Readonly<Record<string, unknown>>

const isRecord = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What an object of a custom kind has against the schema of its definition, in the words of the API server. */
export function customErrors(object: KubeInput, schema: Structural): FieldError[] {
  // apiVersion, kind and metadata are those of every object, whatever the schema says of them.
  const { apiVersion: _, kind: __, metadata: ___, ...properties } = schema.properties ?? {}
  return errorsOf(object, { ...schema, properties }, '')
}

function errorsOf(value: unknown, schema: Structural, path: string): FieldError[] {
  if (value === null && schema.nullable === true) return []
  const mistyped = typeErrors(value, schema, path)
  if (mistyped.length > 0) return mistyped
  return [...ownErrors(value, schema, path), ...childErrors(value, schema, path), ...junctorErrors(value, schema, path)]
}

const childOf = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)

function childErrors(value: unknown, schema: Structural, path: string): FieldError[] {
  if (Array.isArray(value)) {
    const { items } = schema
    return items === undefined ? [] : value.flatMap((each, i) => errorsOf(each, items, `${path}[${i}]`))
  }
  if (!isRecord(value)) return []
  const { properties = {}, additionalProperties } = schema
  const rest = typeof additionalProperties === 'object' ? additionalProperties : undefined
  return Object.entries(value).flatMap(([key, each]) => {
    const part = Object.hasOwn(properties, key) ? properties[key] : rest
    return part === undefined ? [] : errorsOf(each, part, childOf(path, key))
  })
}

const isOfType: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isRecord,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  integer: (value) => Number.isInteger(value),
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
}

function typeErrors(value: unknown, schema: Structural, path: string): FieldError[] {
  const types = schema['x-kubernetes-int-or-string'] === true ? ['integer', 'string'] : [schema.type ?? '']
  if (types.some((type) => isOfType[type]?.(value) ?? true)) return []
  const found = typeName(value)
  return [
    {
      reason: 'FieldValueTypeInvalid',
      field: path === '' ? '<nil>' : path,
      message: `Invalid value: ${JSON.stringify(found)}: ${path} in body must be of type ${types.join(',')}: ${JSON.stringify(found)}`,
    },
  ]
}

const typeName = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value

type Rule = (value: never, schema: Structural, path: string) => FieldError | undefined | false

const bad = (path: string, value: unknown, why: string): FieldError =>
  invalidValue(path, value, `${path} in body ${why}`)
const tooLong = (field: string, most: number): FieldError => ({
  reason: 'FieldValueTooLong',
  field,
  message: `Too long: may not be more than ${most} bytes`,
})
const tooMany = (field: string, found: number, most: number): FieldError => ({
  reason: 'FieldValueTooMany',
  field,
  message: `Too many: ${found}: must have at most ${most} items`,
})

const NUMBER: readonly Rule[] = [
  (value: number, { maximum, exclusiveMaximum = false }, path) =>
    maximum !== undefined &&
    (exclusiveMaximum ? value >= maximum : value > maximum) &&
    bad(path, value, `should be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`),
  (value: number, { minimum, exclusiveMinimum = false }, path) =>
    minimum !== undefined &&
    (exclusiveMinimum ? value <= minimum : value < minimum) &&
    bad(path, value, `should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`),
  (value: number, { multipleOf }, path) =>
    multipleOf !== undefined && value % multipleOf !== 0 && bad(path, value, `should be a multiple of ${multipleOf}`),
]

const STRING: readonly Rule[] = [
  (value: string, { maxLength }, path) =>
    maxLength !== undefined && [...value].length > maxLength && tooLong(path, maxLength),
  (value: string, { minLength }, path) =>
    minLength !== undefined &&
    [...value].length < minLength &&
    bad(path, value, `should be at least ${minLength} chars long`),
  (value: string, { pattern }, path) =>
    pattern !== undefined && !new RegExp(pattern).test(value) && bad(path, value, `should match '${pattern}'`),
]

const ARRAY: readonly Rule[] = [
  (value: readonly unknown[], { maxItems }, path) =>
    maxItems !== undefined && value.length > maxItems && tooMany(path, value.length, maxItems),
  (value: readonly unknown[], { minItems }, path) =>
    minItems !== undefined &&
    value.length < minItems &&
    bad(path, value.length, `should have at least ${minItems} items`),
]

const OBJECT: readonly Rule[] = [
  (value: Values, { maxProperties }, path) => {
    const found = Object.keys(value).length
    return maxProperties !== undefined && found > maxProperties && tooMany(path, found, maxProperties)
  },
  (value: Values, { minProperties }, path) => {
    const found = Object.keys(value).length
    const few = minProperties !== undefined && found < minProperties
    return few && bad(path, found, `should have at least ${minProperties} properties`)
  },
]

function rulesFor(value: unknown): readonly Rule[] {
  if (Array.isArray(value)) return ARRAY
  if (isRecord(value)) return OBJECT
  return typeof value === 'number' ? NUMBER : typeof value === 'string' ? STRING : []
}

function ownErrors(value: unknown, schema: Structural, path: string): FieldError[] {
  const absent = isRecord(value) ? (schema.required ?? []).filter((key) => value[key] === undefined) : []
  const allowed = schema.enum
  const listed = allowed === undefined || allowed.some((each) => JSON.stringify(each) === JSON.stringify(value))
  const words = (allowed ?? []).map((each) => (typeof each === 'string' ? each : JSON.stringify(each)))
  return [
    ...absent.map((key) => requiredValue(childOf(path, key))),
    ...(listed ? [] : [unsupportedValue(path, value, words)]),
    ...rulesFor(value).flatMap((rule) => rule(value as never, schema, path) || []),
  ]
}

function junctorErrors(value: unknown, { allOf = [], anyOf, oneOf, not }: Structural, path: string): FieldError[] {
  const fits = (schema: Structural): boolean => errorsOf(value, schema, path).length === 0
  const where = path === '' ? '<nil>' : path
  const says = (what: string): FieldError => invalidValue(where, value, `${JSON.stringify(path)} must ${what}`)
  return [
    ...allOf.flatMap((each) => errorsOf(value, each, path)),
    ...(anyOf === undefined || anyOf.some(fits) ? [] : [says('validate at least one schema (anyOf)')]),
    ...(oneOf === undefined || oneOf.filter(fits).length === 1
      ? []
      : [says('validate one and only one schema (oneOf)')]),
    ...(not === undefined || !fits(not) ? [] : [says('not validate the schema (not)')]),
  ]
}
