import { expect, test } from 'vitest'
import { packTgz, packTgzAside } from './tgz.ts'

test('a thread of its own gives the same bytes', async () => {
  const text = Buffer.from('text '.repeat(100_000))
  const files = new Map([
    ['b/b', text],
    ['b/a', Buffer.alloc(0)],
  ])
  expect((await packTgzAside(files)).equals(packTgz(files))).toBe(true)
})

test('without files it is an archive all the same', () => expect(packTgz(new Map()).length).toBeGreaterThan(0))
