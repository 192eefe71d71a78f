import { expect, test } from 'vitest'
import { pauseAfter } from './pauses.ts'

test('pauses double and stay below the longest', () => {
  const pauses = { firstMs: 1_000, longestMs: 30_000 }
  expect([1, 2, 3, 6, 1_000, 100_000].map((failures) => pauseAfter(pauses, failures))).toEqual([
    1_000, 2_000, 4_000, 30_000, 30_000, 30_000,
  ])
})
