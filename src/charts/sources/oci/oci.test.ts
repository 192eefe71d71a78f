import { describe, expect, test } from 'vitest'
import { readAddress } from './address.ts'
import { readChallenge, realmFault, tokenUrl } from './challenge.ts'
import { tagOf, versionOf } from './manifest.ts'

describe('an address', () => {
  test.each([
    ['oci://registry.test', 'https://registry.test', ''],
    ['oci://registry.test/', 'https://registry.test', ''],
    ['oci://registry.test:5000/team/charts', 'https://registry.test:5000', 'team/charts'],
    ['oci://registry.test:443/charts/', 'https://registry.test', 'charts'],
    ['https://registry.test/charts', 'https://registry.test', 'charts'],
    ['http://registry.test:443/charts', 'http://registry.test:443', 'charts'],
    ['oci://localhost:5000/a', 'http://localhost:5000', 'a'],
    ['oci://127.0.0.1:5000/a', 'http://127.0.0.1:5000', 'a'],
    ['oci://[::1]:5000/a', 'http://[::1]:5000', 'a'],
    ['https://127.0.0.1:5000/a', 'https://127.0.0.1:5000', 'a'],
    ['oci://10.0.0.1/a', 'https://10.0.0.1', 'a'],
  ])('%s', (text, origin, path) => {
    expect(readAddress(text)).toEqual({ origin, path })
  })

  test.each([
    '',
    'oci://',
    'oci:///etc',
    'registry.test/charts',
    'file:///etc',
    'ftp://registry.test/a',
    'oci://a:b@registry.test/a',
    'oci://registry.test/a?b=c',
    'oci://registry.test/a#b',
    'oci://registry.test/Charts',
    'oci://registry.test/a//b',
    'oci://registry.test/charts:1.0.0',
    'oci://registry.test/a%2fb',
  ])('%s is none', (text) => {
    expect(readAddress(text)).toBeNull()
  })
})

describe('a challenge', () => {
  const realm = 'https://auth.test/token?account=a'

  test.each([
    [`Bearer realm="${realm}",service="s t",scope="repository:x:push"`, 's t'],
    [`bearer service=s, realm="${realm}"`, 's'],
    [`Basic realm="x", Bearer realm="${realm}"`, null],
  ])('%s asks for a token', (header, service) => {
    expect(readChallenge(header)).toEqual({ kind: 'bearer', realm: new URL(realm), service })
  })

  test.each(['Basic realm="x"', 'basic', 'Negotiate, Basic realm="x"', 'Bearer realm="/token", Basic realm="x"'])(
    '%s asks for a password',
    (header) => expect(readChallenge(header)).toEqual({ kind: 'basic' }),
  )

  test.each([null, '', 'Bearer', 'Bearer realm="/token"', 'Digest realm="Basic x"', 'Basically'])(
    '%s is not understood',
    (header) => expect(readChallenge(header)).toBeNull(),
  )

  test('the scope is ours, whatever the realm says', () => {
    const url = tokenUrl({ kind: 'bearer', realm: new URL(`${realm}&scope=all`), service: 's' }, 'repository:a/b:pull')
    expect(url.href).toBe('https://auth.test/token?account=a&scope=repository%3Aa%2Fb%3Apull&service=s')
  })

  test.each([
    ['https://registry.test/token', 'https://registry.test', [], null],
    ['https://auth.test/token', 'https://registry.test', ['auth.test'], null],
    ['https://auth.test:8443/token', 'https://registry.test', ['auth.test'], 'not in authHosts'],
    ['http://registry.test/token', 'https://registry.test', ['registry.test'], 'not https'],
    ['http://auth.test/token', 'http://registry.test', ['auth.test'], null],
    ['ftp://auth.test/token', 'http://registry.test', ['auth.test'], 'not https'],
  ])('realm %s of %s with %j', (from, origin, hosts, fault) => {
    const found = realmFault(new URL(from), origin, hosts)
    expect(found).toEqual(fault === null ? null : expect.stringContaining(fault))
  })
})

test.each([
  ['1.0.0', '1.0.0'],
  ['1.0.0+b.7', '1.0.0_b.7'],
  ['v1.2.3-rc.1+b', 'v1.2.3-rc.1_b'],
])('version %s is the tag %s', (version, tag) => {
  expect(tagOf(version)).toBe(tag)
  expect(versionOf(tag)).toBe(version)
})

test.each(['1.0', 'latest', '../1.0.0', `1.0.0-${'a'.repeat(130)}`, '1.0.0_b'])(
  '%s is the version of no tag',
  (version) => {
    expect(tagOf(version)).toBeNull()
  },
)
