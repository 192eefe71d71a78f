import { expect, test } from 'vitest'
import { type Claims, principalOfClaims } from './claims.ts'

const iss = 'https://id.example'
const tenant = '6c1f4f0e-9c7e-4b2e-8a54-0d3b8f5f7a11'
const claims = { iss, sub: 'ann', flotilla_role: 'tenant-operator', flotilla_tenants: [tenant] }

test('a principal is named by issuer and subject, with its role and tenants', () => {
  const name = `${iss}|ann`
  expect(principalOfClaims(claims)).toEqual({ id: `oidc:${name}`, name, role: 'tenant-operator', tenants: [tenant] })
})

test('an admin sees all tenants, whatever is listed', () => {
  expect(principalOfClaims({ ...claims, flotilla_role: 'platform-admin' })?.tenants).toBe('all')
})

test.each<[string, Claims]>([
  ['no role', { iss, sub: 'ann', flotilla_tenants: [tenant] }],
  ['an unknown role', { ...claims, flotilla_role: 'root' }],
  ['a list of roles', { ...claims, flotilla_role: ['platform-admin'] }],
  ['no subject', { iss, flotilla_role: 'viewer' }],
  ['an empty subject', { ...claims, sub: '' }],
  ['a subject with a line break', { ...claims, sub: 'ann\nbob' }],
])('%s grants nothing', (_, given) => {
  expect(principalOfClaims(given)).toBeNull()
})

test.each([[undefined], ['*'], [['*']], [['all', null, 7]], [{ 0: tenant }]])('tenants %j are none', (listed) => {
  expect(principalOfClaims({ ...claims, flotilla_tenants: listed })?.tenants).toEqual([])
})
