import fc from 'fast-check'
import { expect, test } from 'vitest'
import { brokenParts } from './broken.ts'

const pointers = (input: unknown) => brokenParts('body', input).map(({ pointer }) => pointer)

test('text that PostgreSQL and Kubernetes do not keep is named, wherever it stands', () => {
  expect(pointers({ a: 'x\0', b: [{ c: '\ud800' }], fine: 'x\ud83d\ude00' })).toEqual(['/a', '/b/0/c'])
  expect(pointers({ values: { 'key\0': 1 } })).toEqual(['/values'])
  expect(pointers('\0')).toEqual([''])
  expect(brokenParts('query', { q: '\0' })).toMatchObject([{ pointer: 'query/q' }])
  expect(pointers(undefined)).toEqual([])
})

test.each(['9007199254740992', '9007199254740993', '-9007199254740993', '1e16', '123456789012345678901', '1e400'])(
  'the number %s is rounded when it is read',
  (number) => expect(pointers(JSON.parse(`{"a": [{"b": ${number}}]}`))).toEqual(['/a/0/b']),
)

test('what is said of such a number fits a field that takes numbers only, too', () => {
  expect(brokenParts('body', { targetRevision: 2 ** 53 })).toEqual([
    {
      pointer: '/targetRevision',
      message: 'is a number that would be rounded: the largest is 9007199254740991; among values, send it as text',
    },
  ])
})

test.each(['9007199254740991', '-9007199254740991', '0.1', '-0', '1e15', '0.12345678901234567890', '1e-400'])(
  'the number %s passes',
  (number) => expect(pointers(JSON.parse(`{"a": ${number}}`))).toEqual([]),
)

test.each([
  ['{"__proto__": {"x": 1}}', '/__proto__'],
  ['{"a": [{"__proto__": 1}]}', '/a/0/__proto__'],
  ['{"\\u005f_proto__": 1}', '/__proto__'],
  ['{"a": {"constructor": {"prototype": {}}}}', '/a/constructor'],
])('the field in %s is named', (text, pointer) => expect(pointers(JSON.parse(text))).toEqual([pointer]))

test('ordinary JSON passes', () => {
  const text = fc.string({ unit: 'grapheme' }).filter((s) => !s.includes('\0') && s !== '__proto__')
  const value = fc.oneof(text, fc.maxSafeInteger(), fc.double({ max: 2 ** 53 - 1, min: -(2 ** 53 - 1), noNaN: true }))
  fc.assert(fc.property(fc.dictionary(text, fc.array(value)), (input) => pointers(input).length === 0))
  expect(pointers({ constructor: 'acme', prototype: 1 })).toEqual([])
})
