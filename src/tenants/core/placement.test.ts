import { describe, expect, test } from 'vitest'
import type { Principal } from '../../core/subject.ts'
import { formatKey, keyIdOf, presetKeyId } from './key-format.ts'
import { decidePlacement, isReserved } from './placement.ts'

const admin: Principal = { id: 'a', name: 'a', role: 'platform-admin', tenants: 'all' }
const operator: Principal = { id: 'o', name: 'o', role: 'tenant-operator', tenants: ['mine', 'claimed-only'] }

describe('where a release may live', () => {
  const nothing = { register: false, claim: false }
  const claim = { register: false, claim: true }
  const both = { register: true, claim: true }
  test.each<[string, Principal, string, boolean, string | null, string, unknown]>([
    ['operator, own tenant and namespace', operator, 'mine', true, 'mine', 'ns', nothing],
    ['operator, free namespace', operator, 'mine', true, null, 'ns', 'namespace_not_owned'],
    ['operator, reserved namespace', operator, 'mine', true, null, 'kube-system', 'namespace_not_owned'],
    ["operator, another tenant's namespace", operator, 'mine', true, 'other', 'ns', 'namespace_not_owned'],
    ['operator, another tenant', operator, 'other', true, 'other', 'ns', 'not_found'],
    ['operator, unknown tenant', operator, 'claimed-only', false, null, 'ns', 'not_found'],
    ['admin, known tenant and its namespace', admin, 'mine', true, 'mine', 'ns', nothing],
    ['admin, known tenant, free namespace', admin, 'mine', true, null, 'ns', claim],
    ['admin, unknown tenant', admin, 'new', false, null, 'ns', both],
    ["admin, another tenant's namespace", admin, 'mine', true, 'other', 'ns', 'namespace_not_owned'],
    ["admin, unknown tenant, another's namespace", admin, 'new', false, 'other', 'ns', 'namespace_not_owned'],
    ['admin, kube-system', admin, 'new', false, null, 'kube-system', 'namespace_not_owned'],
    ['admin, default', admin, 'new', false, null, 'default', 'namespace_not_owned'],
    ["admin, Flotilla's own", admin, 'new', false, null, 'flotilla', 'namespace_not_owned'],
  ])('%s', (_, principal, tenantId, registered, owner, namespace, expected) => {
    const decide = () => decidePlacement({ principal, tenantId, registered, owner, namespace, own: ['flotilla'] })
    if (typeof expected === 'string') expect(decide).toThrow(expect.objectContaining({ code: expected }))
    else expect(decide()).toEqual(expected)
  })
})

test('reserved namespaces', () => {
  expect(['kube-system', 'kube-', 'default', 'flotilla'].every((name) => isReserved(name, ['flotilla']))).toBe(true)
  expect(['kubernetes', 'defaults', 'flotilla-a'].some((name) => isReserved(name, ['flotilla']))).toBe(false)
})

test('a key names its id; any other text is the preset', () => {
  const id = '7b0c3c8e-58a3-4ad0-9b0b-1f6b1df1c001'
  expect(keyIdOf(formatKey(id, 'A-_'.repeat(14).concat('x')))).toBe(id)
  for (const text of ['', 'flo_', formatKey(id, 'short'), 'a-preset-key-of-at-least-32-characters'])
    expect(keyIdOf(text)).toBe(presetKeyId)
})
