import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { schemaNamed } from '../../resources/catalog.ts'
import { childPath, decodeFields, encodeFields, fieldsOf, printPath, SEPARATOR } from './fieldset.ts'

const podSpec = schemaNamed('core.v1.PodSpec')
const path = (...elements: string[]): string => elements.join(SEPARATOR)

describe('field sets', () => {
  it('are the same after they have been written and read', () => {
    const element = fc.constantFrom('f:spec', 'f:a', 'f:b', 'k:{"name":"web"}', 'v:"x"')
    const paths = fc.array(fc.array(element, { minLength: 1, maxLength: 4 }), { maxLength: 12 })
    fc.assert(
      fc.property(paths, (lists) => {
        const set = new Set(lists.map((list) => path(...list)))
        expect(decodeFields(encodeFields(set))).toEqual(set)
      }),
    )
  })

  it('name list items by their keys, with the defaults of those left out', () => {
    const spec = { containers: [{ name: 'web', ports: [{ containerPort: 80 }], args: ['a', 'b'] }] }
    const web = path('f:containers', 'k:{"name":"web"}')
    const port = childPath(childPath(web, 'f:ports'), 'k:{"containerPort":80,"protocol":"TCP"}')
    expect(fieldsOf(spec, podSpec)).toEqual(
      new Set([web, childPath(web, 'f:name'), port, childPath(port, 'f:containerPort'), childPath(web, 'f:args')]),
    )
  })

  it('hold an atomic struct as one field', () => {
    const selector = { matchLabels: { a: 'b' } }
    expect(fieldsOf({ selector }, schemaNamed('apps.v1.DeploymentSpec'))).toEqual(new Set(['f:selector']))
  })

  it('print paths as conflicts name them', () => {
    const text = printPath(path('f:spec', 'f:containers', 'k:{"name":"web"}', 'f:image'))
    expect(text).toBe('.spec.containers[name="web"].image')
    expect(printPath(path('f:finalizers', 'v:"x"'))).toBe('.finalizers[="x"]')
  })
})
