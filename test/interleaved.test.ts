import { expect, test } from 'vitest'
import { interleave } from './support/interleaved.ts'

test('lists are used up at the same pace, each in its own order', () => {
  const lists = new Map([
    ['few', ['A', 'B']],
    ['many', ['1', '2', '3', '4', '5', '6']],
    ['none', []],
  ])
  expect(interleave(lists).join('')).toBe('1A234B56')
})
