import { expect, test } from 'vitest'
import { Fresh } from './fresh.ts'

function given(limit?: number) {
  let now = 0
  let asked = 0
  const fresh = new Fresh<string>({ now: () => now, sleep: async () => {} }, limit, (text) => text.length)
  const get = (key: string) => fresh.get(key, async () => `${key}${++asked}`)
  return { get, fresh, pass: (ms: number) => (now += ms), asked: () => asked }
}

test('an answer is asked for once in ten seconds, and by one at a time', async () => {
  const { get, pass } = given()
  expect(await Promise.all([get('a'), get('a'), get('b')])).toEqual(['a1', 'a1', 'b2'])
  pass(9_999)
  expect(await get('a')).toBe('a1')
  pass(1)
  expect(await get('a')).toBe('a3')
})

test('what failed is asked for again', async () => {
  const { get, fresh } = given()
  await expect(fresh.get('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await get('a')).toBe('a1')
})

test('all that is kept stays within the limit', async () => {
  const { get, asked } = given(4)
  for (const key of ['a', 'b', 'c', 'c', 'a']) await get(key)
  expect(asked()).toBe(4)
})
