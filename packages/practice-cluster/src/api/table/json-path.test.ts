import { expect, test } from 'vitest'
import { age } from './cells.ts'
import { jsonPathOf } from './json-path.ts'

const object = {
  spec: { size: 0, list: [{ ip: 'a' }, { ip: 'b' }], 'odd.key': 1 },
  labels: { 'app.kubernetes.io/name': 'web' },
  conditions: [
    { type: 'Other', status: 'False' },
    { type: 'Ready', status: 'True' },
  ],
}

test.each([
  ['.spec.size', [0]],
  ['.spec.none.deeper', []],
  ['.spec.list[1].ip', ['b']],
  ['.spec.list[-1].ip', ['b']],
  ['.spec.list[9].ip', []],
  ['.spec.list[*].ip', ['a', 'b']],
  [".spec['odd.key']", [1]],
  ['.labels.app\\.kubernetes\\.io/name', ['web']],
  ['.conditions[?(@.type=="Ready")].status', ['True']],
  [".conditions[?(@.type!='Ready')].status", ['False']],
  ['.conditions[?(@.type=="None")].status', []],
  ['.spec..size', []],
  ['spec.size', []],
])('%s', (path, found) => {
  expect(jsonPathOf(path)(object)).toEqual(found)
})

test.each([
  [119, '119s'],
  [120, '2m'],
  [185, '3m5s'],
  [11 * 60, '11m'],
  [3 * 3600, '3h'],
  [3 * 3600 + 120, '3h2m'],
  [9 * 3600, '9h'],
  [51 * 3600, '2d3h'],
  [10 * 86_400, '10d'],
  [800 * 86_400, '2y70d'],
  [9 * 365 * 86_400, '9y'],
])('%d seconds are %s', (seconds, text) => {
  const from = '2026-01-01T00:00:00Z'
  expect(age(from, new Date(Date.parse(from) + seconds * 1000).toISOString())).toBe(text)
})
