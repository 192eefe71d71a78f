import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hashOf } from './hash.ts'
import { formatQuantity, quantity, resolve } from './quantity.ts'
import { isEmptySelector, selects } from './selector.ts'

describe('a quantity', () => {
  it.each([
    ['500m', 0.5],
    ['2', 2],
    [3, 3],
    ['1Gi', 2 ** 30],
    ['1k', 1000],
    ['1e3', 1000],
    [undefined, 0],
    ['nonsense', 0],
  ])('%s is %d', (text, value) => expect(quantity(text)).toBe(value))

  it('is written as it is read', () => {
    const whole = fc.property(fc.integer({ min: 0, max: 1e12 }), (n) => {
      expect(quantity(formatQuantity('memory', n))).toBe(n)
    })
    const thousandths = fc.property(fc.integer({ min: 0, max: 1e6 }), (n) => {
      expect(quantity(formatQuantity('cpu', n / 1000))).toBeCloseTo(n / 1000)
    })
    fc.assert(whole)
    fc.assert(thousandths)
  })

  it('rounds percentages as it is told', () => {
    expect([
      resolve('25%', 10, 'up'),
      resolve('25%', 10, 'down'),
      resolve(3, 10, 'up'),
      resolve('100%', 7, 'up'),
    ]).toEqual([3, 2, 3, 7])
  })
})

describe('a selector', () => {
  const labels = { app: 'web', tier: 'front' }
  it.each([
    [{ matchLabels: { app: 'web' } }, true],
    [{ matchLabels: { app: 'web', tier: 'back' } }, false],
    [{ matchExpressions: [{ key: 'tier', operator: 'In', values: ['front', 'back'] }] }, true],
    [{ matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['front'] }] }, false],
    [{ matchExpressions: [{ key: 'zone', operator: 'DoesNotExist' }] }, true],
    [{ matchExpressions: [{ key: 'zone', operator: 'Exists' }] }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'Unknown' }] }, false],
    [{}, true],
    [undefined, false],
  ])('%j: %s', (selector, expected) => expect(selects(selector, labels)).toBe(expected))

  it('is empty when it asks for nothing', () => {
    expect([isEmptySelector({}), isEmptySelector({ matchLabels: { a: 'b' } })]).toEqual([true, false])
  })
})

describe('a hash', () => {
  it('does not depend on the order of keys, nor on keys without a value', () => {
    expect(hashOf({ a: 1, b: { c: [1, 2], d: undefined } })).toBe(hashOf({ b: { c: [1, 2] }, a: 1 }))
  })

  it('differs for another value, and for another salt', () => {
    expect(new Set([hashOf({ a: 1 }), hashOf({ a: 2 }), hashOf({ a: 1 }, 1)]).size).toBe(3)
    expect(hashOf({})).toMatch(/^[a-z0-9]{10}$/)
  })
})
