import { describe, expect, it } from 'vitest'
import { schemaNamed } from '../../resources/catalog.ts'
import { strategicMergePatch } from './strategic.ts'

const schema = schemaNamed('core.v1.PodSpec')
const patch = (target: unknown, change: unknown) => strategicMergePatch(target, change, schema)
const volumes = [
  { name: 'a', emptyDir: {} },
  { name: 'b', emptyDir: {} },
]

describe('strategic merge patch', () => {
  it('merges items by their key and puts new ones first', () => {
    const containers = [{ name: 'web', image: '1', env: [{ name: 'A', value: '1' }] }]
    const change = { containers: [{ name: 'web', env: [{ name: 'B', value: '2' }] }] }
    expect(patch({ containers }, change)).toEqual({
      containers: [
        {
          name: 'web',
          image: '1',
          env: [
            { name: 'B', value: '2' },
            { name: 'A', value: '1' },
          ],
        },
      ],
    })
  })

  it('knows $patch: delete and replace', () => {
    expect(patch({ volumes }, { volumes: [{ name: 'a', $patch: 'delete' }] })).toEqual({ volumes: [volumes[1]] })
    const replaced = [{ $patch: 'replace' }, { name: 'c', emptyDir: {} }]
    expect(patch({ volumes }, { volumes: replaced })).toEqual({ volumes: [{ name: 'c', emptyDir: {} }] })
    expect(patch({ nodeSelector: { a: '1' } }, { nodeSelector: { $patch: 'replace', b: '2' } })).toEqual({
      nodeSelector: { b: '2' },
    })
  })

  it('orders by $setElementOrder', () => {
    const change = { '$setElementOrder/volumes': [{ name: 'b' }, { name: 'a' }] }
    expect(patch({ volumes }, change)).toEqual({ volumes: [volumes[1], volumes[0]] })
  })

  it('replaces lists without a key', () => {
    expect(patch({ tolerations: [{ key: 'a' }] }, { tolerations: [{ key: 'b' }] })).toEqual({
      tolerations: [{ key: 'b' }],
    })
  })

  it('refuses items without their key', () => {
    expect(() => patch({ volumes }, { volumes: [{ emptyDir: {} }] })).toThrow('declared merge key: name')
  })
})
