import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readCursor, writeCursor } from './cursor.ts'

const key = Buffer.alloc(32, 1)

test('a cursor gives back its position', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string(), (position, list) => {
      const cursor = writeCursor(key, list, position as never)
      expect(readCursor(key, list, cursor)).toEqual(JSON.parse(JSON.stringify(position)))
    }),
  )
})

test('a cursor that was altered, cut or made up is refused', () => {
  const cursor = writeCursor(key, '/things?', ['2026-01-01', 'a'])
  const flipped = cursor.slice(0, -3) + (cursor.at(-3) === 'A' ? 'B' : 'A') + cursor.slice(-2)
  for (const wrong of [
    flipped,
    cursor.slice(0, -4),
    cursor.slice(4),
    'x',
    '!!',
    '',
    `${cursor}x`,
    `${cursor}=`,
    `!${cursor}`,
  ])
    expect(() => readCursor(key, '/things?', wrong)).toThrow(expect.objectContaining({ code: 'invalid_cursor' }))
})

test('a cursor belongs to its list, its filters and its installation', () => {
  const cursor = writeCursor(key, '/things?status=FAILED', 1)
  expect(() => readCursor(key, '/things?status=DEPLOYED', cursor)).toThrow()
  expect(() => readCursor(Buffer.alloc(32, 2), '/things?status=FAILED', cursor)).toThrow()
})
