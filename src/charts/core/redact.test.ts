import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json, JsonObject } from '../../core/json.ts'
import { hideValues, maskedPlaces, redactValues, type SchemaTree } from './redact.ts'

const tree = (schema: Json | null, inside: SchemaTree['inside'] = []): SchemaTree => ({ schema, inside })
const secret = { type: 'string', format: 'password' }
const canary = 'canary'

/** Schemas that mark the canary of the values beside them. */
const marked: readonly (readonly [string, Json, JsonObject])[] = [
  ['a property', { properties: { a: secret } }, { a: canary }],
  ['writeOnly', { properties: { a: { writeOnly: true } } }, { a: canary }],
  ['a whole map', { properties: { a: { writeOnly: true } } }, { a: { b: [canary] } }],
  ['something deep', { properties: { a: { properties: { b: secret } } } }, { a: { b: canary } }],
  ['items', { properties: { a: { items: { properties: { b: secret } } } } }, { a: [{ b: canary }] }],
  ['a tuple', { properties: { a: { prefixItems: [{}, secret] } } }, { a: ['x', canary] }],
  ['other properties', { additionalProperties: secret }, { anything: canary }],
  [
    'a pattern that hangs',
    { patternProperties: { '(a+)+$': secret } },
    { aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: canary },
  ],
  ['one branch', { anyOf: [{}, { properties: { a: secret } }] }, { a: canary }],
  ['a condition', { if: {}, else: { properties: { a: secret } } }, { a: canary }],
  ['a reference', { properties: { a: { $ref: '#/$defs/a~1b' } }, $defs: { 'a/b': secret } }, { a: canary }],
  ['an anchor', { properties: { a: { $ref: '#pw' } }, $defs: { x: { $anchor: 'pw', ...secret } } }, { a: canary }],
  ['recursion', { properties: { n: { $ref: '#' }, p: secret } }, { n: { n: { n: { p: canary } } } }],
]

/** Where the mask stands, as JSON pointers. */
function hiddenPlaces(value: Json, pointer = ''): readonly string[] {
  if (value === '***') return [pointer]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => hiddenPlaces(inner, `${pointer}/${key}`))
}

describe('what a schema marks is hidden', () => {
  test.each(marked)('%s', (_, schema, values) => {
    const shown = JSON.stringify(redactValues({ ...values, plain: 'kept' }, tree(schema)))
    expect(shown).not.toContain(canary)
    expect(shown).toContain('***')
  })

  test.each(marked)('%s, in a chart inside', (_, schema, values) => {
    const shown = JSON.stringify(redactValues({ db: values }, tree({}, [['db', tree(schema)]])))
    expect(shown).not.toContain(canary)
  })

  test.each(marked)('%s, when the parent says it of a chart inside', (_, schema, values) => {
    const shown = JSON.stringify(
      redactValues(
        { db: values },
        tree({ properties: { db: { $id: 'x', allOf: [schema], ...(schema as JsonObject) } } }, [['db', tree(null)]]),
      ),
    )
    expect(shown).not.toContain(canary)
  })
})

describe('what was hidden is known when it comes back', () => {
  test.each(marked)('%s', (_, schema, values) => {
    const shown = redactValues({ ...values, plain: 'kept' }, tree(schema))
    expect(maskedPlaces(shown, tree(schema))).toEqual(hiddenPlaces(shown))
    expect(maskedPlaces(shown, tree(null))).toEqual([])
  })

  test('by its place, in a chart inside and below what is marked as a whole', () => {
    const charts = tree({ properties: { 'a/b': { writeOnly: true } } }, [['db', tree({ properties: { p: secret } })]])
    const sent = { 'a/b': { c: ['***'] }, db: { p: '***', q: '***' }, plain: '***' }
    expect(maskedPlaces(sent, charts)).toEqual(['/a~1b/c/0', '/db/p'])
  })

  test('of a chart whose values are secret as a whole', () => {
    expect(maskedPlaces({ a: '***' }, tree({ writeOnly: true }))).toEqual(['/a'])
  })

  test('not a value that only holds it, nor one that is no text', () => {
    const schema = { properties: { a: secret, b: secret, c: secret } }
    expect(maskedPlaces({ a: 'x***', b: null, c: 5 }, tree(schema))).toEqual([])
  })
})

test('everything else is shown as it is', () => {
  const values = { a: 1, b: [true, null, { c: 'x' }], d: { e: {} }, p: null }
  const schema = { properties: { a: { type: 'integer' }, p: secret, d: { properties: { f: secret } } } }
  expect(redactValues(values, tree(schema))).toEqual(values)
  expect(redactValues(values, tree(null))).toEqual(values)
})

test('a schema that is too much work hides everything', () => {
  const names = [...Array(700).keys()].map(String)
  const all = { allOf: names.map((name) => ({ $ref: `#/$defs/${name}` })) }
  const schema = { additionalProperties: all, $defs: Object.fromEntries(names.map((name) => [name, { ...all }])) }
  const shown = redactValues(Object.fromEntries(names.map((name) => [name, canary])), tree(schema))
  expect(JSON.stringify(shown)).not.toContain(canary)
})

test('hiding all keeps the shape', () => {
  expect(hideValues({ a: [1, { b: 'x' }], c: null })).toEqual({ a: ['***', { b: '***' }], c: null })
})

test('any schema and any values end without a crash', () => {
  const keywords = ['properties', 'items', 'allOf', 'anyOf', '$ref', 'additionalProperties', '$defs', 'a', 'b']
  const schema = fc.letrec<{ node: Json }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<Json>('#', '#/$defs/a', '#/%', '#x', true, null, 1),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keywords), tie('node'), { maxKeys: 4 }),
    ),
  })).node
  const values = fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), fc.jsonValue())
  fc.assert(
    fc.property(schema, values, (any, some) => {
      const shown = redactValues(some as JsonObject, tree(any))
      expect(Object.keys(shown)).toEqual(Object.keys(some))
    }),
  )
})
