import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json, JsonObject } from '../../core/json.ts'
import { foreignObjects, type Granted, refuseForeign } from './confine.ts'
import { requireChartName } from './names.ts'
import { checkValues } from './values.ts'

test.each(['demo', 'cert-manager', 'a.b_c', '7zip'])('%s is the name of a chart', (name) => {
  expect(() => requireChartName(name)).not.toThrow()
})

test.each(['', '.', '..', '../demo', 'a/b', 'oci://x', 'http://x', '-x', 'a b', 'ä', 'a'.repeat(251)])(
  '%j is none',
  (name) => {
    expect(() => requireChartName(name)).toThrow(expect.objectContaining({ code: 'malformed' }))
  },
)

describe('values', () => {
  const nested = (depth: number): JsonObject => {
    let value: Json = 1
    for (let i = 0; i < depth; i += 1) value = i % 2 === 0 ? { a: value } : [value]
    return { values: value }
  }

  test('may be 64 deep, not 65, and however deep they do no harm', () => {
    expect(() => checkValues(nested(63))).not.toThrow()
    const errors = [{ pointer: '/valuesOverride', message: expect.stringMatching(/64 levels/) }]
    expect(() => checkValues(nested(64))).toThrow(expect.objectContaining({ code: 'values_too_large', errors }))
    expect(() => checkValues(nested(100_000))).toThrow(expect.objectContaining({ code: 'values_too_large' }))
  })

  test('may have 512 KiB, in bytes and not in characters', () => {
    const room = 512 * 1024 - '{"a":""}'.length
    expect(() => checkValues({ a: 'x'.repeat(room) })).not.toThrow()
    expect(() => checkValues({ a: 'x'.repeat(room + 1) })).toThrow(
      expect.objectContaining({ errors: [{ pointer: '/valuesOverride', message: expect.stringMatching(/512 KiB/) }] }),
    )
    expect(() => checkValues({ a: '€'.repeat(room / 3) })).not.toThrow()
    expect(() => checkValues({ a: '€'.repeat(room / 3 + 1) })).toThrow()
  })

  test('are measured like Buffer does', () => {
    const inBytes = (text: string): boolean => Buffer.byteLength(JSON.stringify({ text })) <= 512 * 1024
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (part) => {
        const text = part.repeat(Math.ceil(520_000 / Math.max(1, Buffer.byteLength(part))))
        expect(accepted({ text })).toBe(inBytes(text))
      }),
      { numRuns: 20 },
    )
  })

  test('may not hold the key __proto__, at any place', () => {
    const values = JSON.parse('{"a~/":[{"__proto__":{}}]}')
    const pointer = '/valuesOverride/a~0~1/0/__proto__'
    expect(() => checkValues(values)).toThrow(
      expect.objectContaining({ code: 'malformed', errors: [expect.objectContaining({ pointer })] }),
    )
  })

  test.each(['constructor', 'prototype', 'toString', 'hasOwnProperty'])('may hold the key %s', (key) => {
    expect(accepted({ [key]: { [key]: 'x' } })).toBe(true)
  })
})

function accepted(values: JsonObject): boolean {
  try {
    checkValues(values)
    return true
  } catch {
    return false
  }
}

function confine(objects: readonly JsonObject[], namespace: string, granted: Granted = () => false): void {
  refuseForeign(foreignObjects(objects, namespace), { digest: 'd', namespace }, granted)
}

describe('the objects of a chart', () => {
  const object = (apiVersion: string, kind: string, metadata: JsonObject = { name: 'x' }): JsonObject => ({
    apiVersion,
    kind,
    metadata,
  })
  const check =
    (...objects: readonly JsonObject[]) =>
    () =>
      confine(objects, 'own')

  test('may name the own namespace or none', () => {
    expect(check(object('v1', 'ConfigMap'), object('v1', 'ConfigMap', { name: 'x', namespace: 'own' }))).not.toThrow()
    expect(
      check(object('rbac.authorization.k8s.io/v1', 'RoleBinding'), object('example.test/v1', 'Namespace')),
    ).not.toThrow()
  })

  test.each([
    [
      'another namespace',
      object('v1', 'ConfigMap', { name: 'x', namespace: 'other' }),
      'ConfigMap x is in the namespace other',
    ],
    [
      'a hook elsewhere',
      object('batch/v1', 'Job', { name: 'x', namespace: 'other', annotations: { 'helm.sh/hook': 'pre-install' } }),
      'Job x',
    ],
    [
      'a cluster role',
      object('rbac.authorization.k8s.io/v1', 'ClusterRole'),
      'ClusterRole x belongs to the whole cluster',
    ],
    ['one that claims a namespace', object('v1', 'Namespace', { name: 'x', namespace: 'own' }), 'Namespace x belongs'],
    ['a CRD', object('apiextensions.k8s.io/v1', 'CustomResourceDefinition'), 'CustomResourceDefinition x'],
    ['one with a made-up name', object('v1', 'Secret', { generateName: 'x-', namespace: 'other' }), 'Secret x-*'],
    [
      'one in a list',
      { kind: 'List', apiVersion: 'v1', items: [{ kind: 'List', items: [object('v1', 'Node')] }] },
      'Node x',
    ],
    ['one in a list of its kind', { kind: 'NodeList', apiVersion: 'v1', items: [object('v1', 'Node')] }, 'Node x'],
  ])('%s is refused by its name', (_, foreign, words) => {
    expect(check(object('v1', 'ConfigMap'), foreign)).toThrow(
      expect.objectContaining({ code: 'outside_namespace', message: expect.stringContaining(words) }),
    )
  })

  test('a grant lifts it for what it names', () => {
    const role = object('rbac.authorization.k8s.io/v1', 'ClusterRole')
    const granted = ({ kind, name }: { kind: string; name: string }) => kind === 'ClusterRole' && name === 'x'
    expect(() => confine([role], 'own', granted)).not.toThrow()
    expect(() => confine([role, object('v1', 'Node')], 'own', granted)).toThrow('Node x')
  })

  test('whatever else an object is, it is judged without a crash', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('apiVersion', 'kind', 'metadata', 'items'), fc.jsonValue()),
        (anything) => {
          try {
            confine([anything as JsonObject], 'own')
          } catch (error) {
            expect(error).toMatchObject({ code: 'outside_namespace' })
          }
        },
      ),
    )
  })
})
