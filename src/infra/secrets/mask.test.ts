import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../../core/json.ts'
import { maskOf } from './mask.ts'

const secret = 's3cr3t <&> \'quoted\' "twice"'
const url = (text: string) => `postgres://app:${text}@db/x`

describe('a marked text is hidden', () => {
  test.each([
    ['inside of a longer text', url(secret)],
    ['in capitals', secret.toUpperCase()],
    ['as JSON', JSON.stringify({ inner: secret })],
    ['as JSON in JSON', JSON.stringify(JSON.stringify({ inner: secret }))],
    ['as JSON that Go writes', JSON.stringify(secret).replaceAll('<', '\\u003c').replaceAll('&', '\\u0026')],
    ['in a URL', url(encodeURIComponent(secret))],
    ['in base64', Buffer.from(secret).toString('base64')],
    ['in base64 of a longer text', Buffer.from(url(secret)).toString('base64')],
    ['in base64 for URLs', Buffer.from(`${url(secret)}?`).toString('base64url')],
  ])('%s', (_, text) => {
    const shown = maskOf([secret])(text)
    expect(shown).toContain('***')
    expect(shown).not.toMatch(/s3cr3t|quoted|czNjcjN0/i)
    expect(Buffer.from(shown.replaceAll('***', ''), 'base64').toString()).not.toContain('s3cr3t')
  })

  test('as a key and as a number', () => {
    const shown = maskOf(['canary', '1234567'])({ canary: [1234567, 7], text: '1.234567e+06' } as Json)
    expect(shown).toEqual({ '***': ['***', 7], text: '***' })
  })

  test('line by line, whatever stands before its lines', () => {
    const key = '-----BEGIN KEY-----\nabcdefgh\nijklmnop\n-----END KEY-----\n'
    const shown = maskOf([key])(`tls:\n${key.replace(/^/gm, '    ')}`)
    expect(shown).not.toMatch(/abcdefgh|ijklmnop/)
  })
})

test('short texts and texts without marked ones stay', () => {
  expect(maskOf(['yes', ''])('yes, it is')).toBe('yes, it is')
  expect(maskOf(['canary'])({ a: 'no bird', n: null, b: true })).toEqual({ a: 'no bird', n: null, b: true })
})

test('too many marked texts hide every text', () => {
  const many = Array.from({ length: 301 }, (_, index) => `canary-${index}`)
  expect(maskOf(many)({ a: 'nothing marked' })).toEqual({ '***': '***' })
})

test('hostile texts do not make the search slow', () => {
  for (const sign of ["'", '\\\\', '"', ' ', '\\n', '<']) {
    const text = `${sign.repeat(100)}x`
    expect(maskOf([text, `${sign}y`.repeat(40)])(sign.repeat(20_000))).toBe(sign.repeat(20_000))
  }
})

test('a long text is found too', () => {
  const long = Array.from({ length: 1_003 }, (_, index) => String.fromCharCode(97 + (index % 26))).join('')
  expect(maskOf([long])(`a ${long} b`)).toMatch(/^a (\*\*\*)+ b$/)
})

/** Without a star: what is put in its place must not make a new one. */
const marked = fc.string({ unit: 'grapheme-ascii', minLength: 4, maxLength: 40 }).filter((text) => !text.includes('*'))
const encodings = [
  (text: string) => text,
  (text: string) => encodeURIComponent(text),
  (text: string) => JSON.stringify(text),
  (text: string) => Buffer.from(text).toString('base64'),
  (text: string) => Buffer.from(url(text)).toString('base64'),
]

test('no marked text appears, wherever and however it stands', () => {
  const hiding = fc.record({
    texts: fc.array(marked, { minLength: 1, maxLength: 5 }),
    around: fc.json({ maxDepth: 3 }).map((text) => JSON.parse(text) as Json),
    write: fc.constantFrom(...encodings),
  })
  fc.assert(
    fc.property(hiding, ({ texts, around, write }) => {
      const holding = texts.map((text) => ({ [`key ${write(text)}`]: [`before ${write(text)} after`, around] }))
      const shown = JSON.stringify(maskOf(texts)(holding))
      for (const text of texts) {
        expect(shown).not.toContain(text)
        expect(shown).not.toContain(JSON.stringify(write(text)).slice(1, -1))
      }
    }),
  )
})
