import { describe, expect, it } from 'vitest'
import { schemaNamed } from '../../resources/catalog.ts'
import { compare } from './compare.ts'
import { fieldsOf } from './fieldset.ts'
import { mergeApplied, prune } from './merge.ts'

const schema = schemaNamed('core.v1.PodSpec')
const named = (...names: string[]) => ({ containers: names.map((name) => ({ name })) })
const namesOf = (spec: unknown): string[] => (spec as ReturnType<typeof named>).containers.map((each) => each.name)

describe('a merge', () => {
  it('keeps items that only the live list has in their place', () => {
    expect(namesOf(mergeApplied(named('a', 'b', 'c'), named('c', 'd'), schema))).toEqual(['a', 'b', 'c', 'd'])
    expect(namesOf(mergeApplied(named('a', 'b'), named('new', 'b'), schema))).toEqual(['a', 'new', 'b'])
    expect(namesOf(mergeApplied(named('a', 'b'), named('b', 'a'), schema))).toEqual(['b', 'a'])
  })

  it('replaces what is atomic and merges what is not', () => {
    const live = { nodeSelector: { a: '1' }, containers: [{ name: 'web', args: ['x', 'y'], image: 'i' }] }
    const config = { containers: [{ name: 'web', args: ['z'] }] }
    expect(mergeApplied(live, config, schema)).toEqual({
      nodeSelector: { a: '1' },
      containers: [{ name: 'web', args: ['z'], image: 'i' }],
    })
  })
})

describe('pruning', () => {
  const live = {
    containers: [
      { name: 'web', image: 'i', resources: {} },
      { name: 'side', image: 's', stdin: true },
    ],
  }

  it('takes an item with everything that nobody owns in it', () => {
    const last = fieldsOf(
      {
        containers: [
          { name: 'web', image: 'i' },
          { name: 'side', image: 's' },
        ],
      },
      schema,
    )
    const owned = fieldsOf({ containers: [{ name: 'web', image: 'i' }] }, schema)
    expect(namesOf(prune(live, schema, last, owned))).toEqual(['web'])
  })

  it('leaves an item in which somebody owns something', () => {
    const last = fieldsOf({ containers: [{ name: 'side', image: 's' }] }, schema)
    const owned = fieldsOf({ containers: [{ name: 'side', stdin: true }] }, schema)
    const left = prune(live, schema, last, owned) as typeof live
    expect(left.containers[1]).toEqual({ name: 'side', stdin: true })
  })
})

describe('a comparison', () => {
  it('tells added, modified and removed apart', () => {
    const old = { nodeName: 'n', containers: [{ name: 'web', image: 'a' }] }
    const next = { hostname: 'h', containers: [{ name: 'web', image: 'b' }] }
    const { added, modified, removed } = compare(old, next, schema)
    expect([...added]).toEqual(['f:hostname'])
    expect([...modified].map((path) => path.split('\u0000').at(-1))).toEqual(['f:image'])
    expect([...removed]).toEqual(['f:nodeName'])
  })
})
