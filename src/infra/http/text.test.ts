import fc from 'fast-check'
import { expect, test } from 'vitest'
import { brokenTexts } from './text.ts'

const pointers = (input: unknown) => brokenTexts('body', input).map(({ pointer }) => pointer)

test('text that PostgreSQL and Kubernetes do not keep is named, wherever it stands', () => {
  expect(pointers({ a: 'x\0', b: [{ c: '\ud800' }], fine: 'x\ud83d\ude00' })).toEqual(['/a', '/b/0/c'])
  expect(pointers({ values: { 'key\0': 1 } })).toEqual(['/values'])
  expect(pointers('\0')).toEqual([''])
  expect(brokenTexts('query', { q: '\0' })).toMatchObject([{ pointer: 'query/q' }])
  expect(pointers(undefined)).toEqual([])
})

test('ordinary JSON passes', () => {
  const text = fc.string({ unit: 'grapheme' }).filter((s) => !s.includes('\0'))
  fc.assert(fc.property(fc.dictionary(text, fc.array(text)), (input) => pointers(input).length === 0))
})
