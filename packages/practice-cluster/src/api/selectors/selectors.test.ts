import { describe, expect, it } from 'vitest'
import { types } from '../../resources/table.ts'
import type { KubeObject } from '../../store/types.ts'
import { parseFieldSelector, selectedName } from './fields.ts'
import { parseLabelSelector } from './labels.ts'

describe('label selectors', () => {
  const cases: readonly [string, Record<string, string>, boolean][] = [
    ['', {}, true],
    ['a=b', { a: 'b' }, true],
    ['a=b,c!=d', { a: 'b', c: 'd' }, false],
    ['a!=b', {}, true],
    ['a in (b, c),d', { a: 'c', d: '' }, true],
    ['a notin (b)', {}, true],
    ['a notin (b)', { a: 'b' }, false],
    ['!a', { a: '' }, false],
    ['n>3', { n: '4' }, true],
    ['n<3', {}, false],
    ['example.com/a=', { 'example.com/a': '' }, true],
  ]
  for (const [selector, labels, expected] of cases) {
    it(`${selector || 'nothing'} on ${JSON.stringify(labels)} is ${expected}`, () => {
      expect(parseLabelSelector(selector)(labels)).toBe(expected)
    })
  }

  it('are refused when they make no sense', () => {
    for (const text of ['a b', 'a=b=c', 'in (a)', '=x']) expect(() => parseLabelSelector(text)).toThrow()
  })
})

describe('field selectors', () => {
  const pod = { metadata: { name: 'p', namespace: 'n' }, status: { phase: 'Running' } } as unknown as KubeObject

  it('compare fields', () => {
    const matches = (text: string) => parseFieldSelector(text, types.pods)(pod)
    expect(matches('status.phase=Running,metadata.name==p')).toBe(true)
    expect(matches('status.phase!=Running')).toBe(false)
    expect(matches('spec.nodeName=')).toBe(true)
  })

  it('are refused for fields that the kind does not offer', () => {
    expect(() => parseFieldSelector('spec.foo=1', types.pods)).toThrow('"spec.foo" is not a known field selector')
  })

  it('tell the one name that they ask for', () => {
    expect(selectedName('metadata.name=a,status.phase=x')).toBe('a')
    expect(selectedName('metadata.namespace=a')).toBeUndefined()
  })
})
