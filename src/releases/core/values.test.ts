import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../core/json.ts'
import { mergeValues, nextValues } from './values.ts'

describe('mergeValues', () => {
  test.each(['constructor', 'prototype', 'toString'])('a key named %s is one like all', (key) => {
    expect({ ...mergeValues({ a: 1 }, { [key]: { b: 2 } }) }).toEqual({ a: 1, [key]: { b: 2 } })
    expect(JSON.stringify(mergeValues({ [key]: { a: 1 } }, { [key]: { b: 2 } }))).toBe(`{"${key}":{"a":1,"b":2}}`)
  })

  test('maps merge, lists and scalars replace, null is kept', () => {
    const base = { a: { b: 1, c: [1, 2] }, d: 'x', e: { f: 1 } }
    const merged = mergeValues(base, { a: { c: [3] }, d: null, e: 5 })
    expect(merged).toEqual({ a: { b: 1, c: [3] }, d: null, e: 5 })
  })

  test('a key named __proto__ stays a key', () => {
    const merged = mergeValues({}, JSON.parse('{"__proto__": {"polluted": true}}') as JsonObject)
    expect(Object.keys(merged)).toEqual(['__proto__'])
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  const values = fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<JsonObject>
  test('nothing changes when nothing is asked for, and twice is as once', () => {
    fc.assert(
      fc.property(values, values, (base, overrides) => {
        expect(mergeValues(base, {})).toEqual({ ...base })
        const once = mergeValues(base, overrides)
        expect(mergeValues(once, overrides)).toEqual(once)
      }),
    )
  })
})

describe('nextValues', () => {
  test('replace drops the stored overrides', () => {
    expect(nextValues({ a: 1 }, { b: 2 }, 'replace')).toEqual({ b: 2 })
    expect(nextValues({ a: 1 }, undefined, 'replace')).toEqual({})
  })
  test('merge keeps them', () => {
    expect(nextValues({ a: 1 }, { b: 2 }, 'merge')).toEqual({ a: 1, b: 2 })
    expect(nextValues({ a: 1 }, undefined, 'merge')).toEqual({ a: 1 })
  })
})
