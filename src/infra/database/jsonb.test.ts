import { describe, expect, it } from 'vitest'
import { jsonbText } from './jsonb.ts'

describe('jsonbText', () => {
  it.each([
    ['NUL', 'a\0b', 'a\ufffdb'],
    ['half a pair', 'a\ud83d', 'a\ufffd'],
    ['a whole pair', '😀', '😀'],
    ['text that looks like an escape', '\\u0000 \\\\u0000', '\\u0000 \\\\u0000'],
    ['a backslash before NUL', '\\\0', '\\\ufffd'],
  ])('stores %s', (_what, given, stored) => {
    expect(JSON.parse(jsonbText({ [given]: given }))).toEqual({ [stored]: stored })
  })
})
