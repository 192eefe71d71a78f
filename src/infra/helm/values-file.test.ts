import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import type { JsonObject } from '../../core/json.ts'
import { valuesFile } from './values-file.ts'

test('a values file is JSON', () => {
  expect(valuesFile({ a: 1, b: [true, null, { c: 'ü "x"\n' }], 'd.e': {}, f: [] })).toBe(
    '{"a":1,"b":[true,null,{"c":"ü \\"x\\"\\n"}],"d.e":{},"f":[]}',
  )
})

test('what YAML would fold, drop or refuse is escaped, in keys too', () => {
  expect(valuesFile({ 'k\u0085': 'a \u2028 b\u007f\ufeff' })).toBe('{"k\\u0085":"a \\u2028 b\\u007f\\ufeff"}')
})

test('JSON and YAML read what was given, and of keys that are too long for one of them the other', () => {
  const text = fc.string({ unit: 'binary', maxLength: 20 })
  fc.assert(
    fc.property(fc.dictionary(text, fc.oneof(text, fc.array(text), fc.dictionary(text, text))), (given) => {
      const values = given as JsonObject
      expect(JSON.parse(valuesFile(values))).toEqual(values)
      expect(parse(valuesFile(values))).toEqual(values)
    }),
  )
  const long = 'x'.repeat(2_000)
  expect(parse(valuesFile({ [long]: { b: 1 } }))).toEqual({ [long]: { b: 1 } })
})
