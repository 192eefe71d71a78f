import { expect, test } from 'vitest'
import { splitManifest } from './manifest.ts'

test('splits what helm renders, with the template of each object', () => {
  const manifest = `---
# Source: shop/templates/a.yaml
kind: A
metadata: {name: a}
---
# Source: shop/templates/empty.yaml
---
# Source: shop/charts/db/templates/b.yaml
# a comment of the chart
kind: B
data: {a: "yes", text: "--- not a separator"}
`
  expect(splitManifest(manifest)).toEqual([
    { source: 'shop/templates/a.yaml', object: { kind: 'A', metadata: { name: 'a' } } },
    {
      source: 'shop/charts/db/templates/b.yaml',
      object: { kind: 'B', data: { a: 'yes', text: '--- not a separator' } },
    },
  ])
})

test('reads YAML 1.1, as helm does', () => {
  const manifest = 'a: yes\nb: 017\nc: &c {x: 1}\nd: {<<: *c, z: 2}\ne: 2001-01-01\n'
  const e = expect.stringMatching(/^2001-01-01/)
  expect(splitManifest(manifest)[0]?.object).toEqual({ a: true, b: 15, c: { x: 1 }, d: { x: 1, z: 2 }, e })
})

test('nothing rendered is no object', () => expect(splitManifest('\n')).toEqual([]))

test.each(['- a\n', 'text\n', 'a: [x\n'])('%j is refused', (manifest) =>
  expect(() => splitManifest(manifest)).toThrow(),
)

test('an alias bomb is refused', () => {
  const levels = Array.from({ length: 12 }, (_, i) => `k${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`)
  expect(() => splitManifest(`k0: &a0 [x]\n${levels.join('\n')}\n`)).toThrow()
})
