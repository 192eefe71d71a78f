import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isText, keptText } from './text.ts'

it.each([
  ['NUL', 'a\0b\0', 'a\ufffdb\ufffd'],
  ['halves of pairs', '\udc00a\ud83d', '\ufffda\ufffd'],
  ['a whole pair', '😀', '😀'],
])('%s', (_what, given, kept) => {
  expect(keptText(given)).toBe(kept)
  expect(isText(given)).toBe(given === kept)
})

it('makes text of anything, and leaves text as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), (any, text) => {
      expect(isText(keptText(any))).toBe(true)
      expect(keptText(any)).toBe(any.toWellFormed().replaceAll('\0', '\ufffd'))
      if (isText(text)) expect(keptText(text)).toBe(text)
    }),
  )
})
