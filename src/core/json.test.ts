import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson, isJsonObject, type Json } from './json.ts'

/** The same value with the members of every object the other way round. */
function turned(value: Json): Json {
  if (Array.isArray(value)) return value.map(turned)
  if (!isJsonObject(value)) return value
  const members = Object.entries(value).map(([key, inner]) => [key, turned(inner)])
  return Object.fromEntries(members.reverse())
}

const json = fc.jsonValue() as fc.Arbitrary<Json>

test('the order of members does not matter, at any depth; nothing is lost', () => {
  fc.assert(
    fc.property(json, (value) => {
      expect(canonicalJson(turned(value))).toBe(canonicalJson(value))
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
  expect(canonicalJson({ b: [{ d: 1, c: 2 }], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1}]}')
  expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]))
})
