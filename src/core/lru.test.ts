import { expect, test } from 'vitest'
import { Lru } from './lru.ts'

test('the least recently used goes first', () => {
  const cache = new Lru<number>(2)
  cache.set('a', 1)
  cache.set('b', 2)
  cache.get('a')
  cache.set('c', 3)
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([1, undefined, 3])
})

test('weight is what counts, also when a value is replaced', () => {
  const cache = new Lru<string>(10, (text) => text.length)
  cache.set('a', 'xxxxxxxx')
  cache.set('a', 'xx')
  cache.set('b', 'xxxxxxxx')
  expect([cache.get('a'), cache.get('b')]).toEqual(['xx', 'xxxxxxxx'])
  cache.set('c', 'x'.repeat(11))
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual(['xx', 'xxxxxxxx', undefined])
})
