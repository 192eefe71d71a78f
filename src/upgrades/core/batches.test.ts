import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { affordable, budgetOf, canaryCountOf, unreadyFirst } from './batches.ts'

const total = fc.integer({ min: 1, max: 10_000 })
const percent = fc.integer({ min: 1, max: 100 })
const candidates = fc.array(fc.record({ ready: fc.boolean() }), { maxLength: 50 })

describe('numbers of SPEC section 5', () => {
  test('the budget is the percentage, rounded down, and at least one', () => {
    expect([budgetOf(10, 25), budgetOf(1, 1), budgetOf(20, 25), budgetOf(3, 34), budgetOf(10, 100)]).toEqual([
      2, 1, 5, 1, 10,
    ])
    fc.assert(
      fc.property(total, percent, (n, pct) => {
        const budget = budgetOf(n, pct)
        expect(budget).toBeGreaterThanOrEqual(1)
        expect(budget).toBeLessThanOrEqual(Math.max(1, (n * pct) / 100))
      }),
    )
  })

  test('the canary is the percentage, rounded up, never all unless there is one', () => {
    expect([canaryCountOf(20, 10), canaryCountOf(1, 10), canaryCountOf(2, 100), canaryCountOf(10, 1)]).toEqual([
      2, 1, 1, 1,
    ])
    fc.assert(
      fc.property(total, percent, (n, pct) => {
        const count = canaryCountOf(n, pct)
        expect(count).toBeGreaterThanOrEqual(1)
        expect(count).toBeLessThanOrEqual(n === 1 ? 1 : n - 1)
      }),
    )
  })
})

describe('what a batch takes', () => {
  const limits = fc.record({ leaves: fc.integer({ min: -5, max: 60 }), size: fc.nat(60), ordered: fc.boolean() })

  test('never more than the size, never more ready ones than the budget leaves', () => {
    fc.assert(
      fc.property(candidates, limits, (all, given) => {
        const taken = affordable(all, given)
        expect(taken.length).toBeLessThanOrEqual(given.size)
        expect(taken.filter(({ ready }) => ready).length).toBeLessThanOrEqual(Math.max(0, given.leaves))
      }),
    )
  })

  test('as many as the limits allow', () => {
    fc.assert(
      fc.property(candidates, limits, (all, given) => {
        const taken = affordable(all, { ...given, ordered: false })
        const unready = all.filter(({ ready }) => !ready).length
        const ready = Math.min(all.length - unready, Math.max(0, given.leaves))
        expect(taken.length).toBe(Math.min(given.size, unready + ready))
      }),
    )
  })

  test('where the order is fixed nobody is skipped', () => {
    fc.assert(
      fc.property(candidates, limits, (all, given) => {
        const taken = affordable(all, { ...given, ordered: true })
        expect(taken).toEqual(all.slice(0, taken.length))
      }),
    )
  })

  test('those that are not ready come first, in their order', () => {
    const [a, b, c] = [{ ready: true }, { ready: false }, { ready: false }]
    const sorted = unreadyFirst([a, b, c])
    expect(sorted).toEqual([b, c, a])
    expect(sorted[0]).toBe(b)
    expect(affordable(sorted, { leaves: 0, size: 3, ordered: false })).toEqual([b, c])
  })
})
