import fc from 'fast-check'
import { expect, test } from 'vitest'
import { repeatedField } from './repeated-field.ts'

test.each([
  ['{"a": 1, "a": 2}', ['a']],
  ['{"a": {"b": [0, {"c": 1, "d": 2, "c": 3}]}}', ['a', 'b', 1, 'c']],
  ['{"\\u0061": 1, "a": 2}', ['a']],
  ['{"a\\\\": 1, "a\\\\": 2}', ['a\\']],
  ['[[], {}, {"": 1, "": 2}]', [2, '']],
  ['{"a": {}, "b": "x", "b": []}', ['b']],
  ['{"__proto__": 1, "__proto__": 2}', ['__proto__']],
  ['{"a": "\\"", "b": "{\\"a\\": 1,", "a": 2}', ['a']],
])('%s gives one twice', (json, path) => expect(repeatedField(json)).toEqual(path))

test('what is given once is no repetition, wherever else its name stands', () => {
  const given = fc.jsonValue({ depthSize: 'medium' })
  fc.assert(
    fc.property(given, (value) => {
      expect(repeatedField(JSON.stringify(value))).toBeNull()
    }),
  )
  expect(repeatedField('{"a": {"a": ["a", "a", {"a": "a"}]}, "b": ["a"]}')).toBeNull()
})

test('of any object a name that is added again is found', () => {
  const fields = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 })
  fc.assert(
    fc.property(fields, fc.nat(), (object, n) => {
      const names = Object.keys(object)
      const name = names[n % names.length] ?? ''
      const text = `${JSON.stringify(object).slice(0, -1)}, ${JSON.stringify(name)}: 0}`
      expect(repeatedField(`{"in": [${text}]}`)).toEqual(['in', 0, name])
    }),
  )
})
