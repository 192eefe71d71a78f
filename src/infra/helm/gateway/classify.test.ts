import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { classifyRequest, type Room } from './classify.ts'

const room: Room = { namespace: 'ns', release: 'web', granted: [] }
const verdict = (method: string, url: string, within = room) => {
  const decided = classifyRequest(method, url, within)
  return decided.kind === 'refused' ? decided.reason : decided.kind
}

describe('what helm asks for passes', () => {
  test.each([
    ['GET', '/version', 'discovery'],
    ['GET', '/version?timeout=32s', 'discovery'],
    ['GET', '/apis', 'discovery'],
    ['GET', '/apis/apps/v1', 'discovery'],
    ['GET', '/openapi/v3/apis/apps/v1?hash=AB12&timeout=32s', 'discovery'],
    ['GET', '/api/v1/namespaces/ns', 'read'],
    ['GET', '/api/v1/namespaces/ns/secrets?labelSelector=name%3Dweb%2Cowner%3Dhelm', 'read'],
    ['GET', '/apis/apps/v1/namespaces/ns/deployments/web?', 'read'],
    ['POST', '/api/v1/namespaces/ns/secrets', 'write'],
    [
      'PATCH',
      '/apis/apps/v1/namespaces/ns/deployments/web?fieldManager=helm&fieldValidation=Strict&force=false',
      'write',
    ],
    ['PATCH', '/apis/rbac.authorization.k8s.io/v1/namespaces/ns/roles/system:reader', 'write'],
    ['PUT', '/api/v1/namespaces/ns/secrets/sh.helm.release.v1.web.v12', 'write'],
    ['DELETE', '/api/v1/namespaces/ns/secrets/sh.helm.release.v1.web.v1', 'write'],
    ['DELETE', '/api/v1/namespaces/ns/configmaps/a?propagationPolicy=Background', 'write'],
  ])('%s %s', (method, url, expected) => expect(verdict(method, url)).toBe(expected))
})

describe('what reaches out of the namespace is refused, and named', () => {
  test.each([
    ['GET', '/api/v1/namespaces/kube-system', 'outside_namespace'],
    ['GET', '/api/v1/namespaces/other/secrets', 'outside_namespace'],
    ['PATCH', '/api/v1/namespaces/other/configmaps/a', 'outside_namespace'],
    ['GET', '/api/v1/secrets', 'cluster_scoped'],
    ['GET', '/api/v1/namespaces', 'cluster_scoped'],
    ['POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', 'cluster_scoped'],
    ['PATCH', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/evil', 'cluster_scoped'],
    ['GET', '/api/v1/nodes/n1', 'cluster_scoped'],
  ])('%s %s', (method, url, expected) => expect(verdict(method, url)).toBe(expected))

  test('by kind, namespace and name', () => {
    expect(classifyRequest('PATCH', '/apis/apps/v1/namespaces/other/deployments/a', room)).toEqual({
      kind: 'refused',
      reason: 'outside_namespace',
      object: expect.objectContaining({ group: 'apps', resource: 'deployments', namespace: 'other', name: 'a' }),
    })
  })
})

describe('what no chart needs is refused', () => {
  test.each([
    ['PUT', '/apis/apps/v1/namespaces/ns/deployments/web', 'method'],
    ['PUT', '/api/v1/namespaces/ns/secrets/web', 'method'],
    ['DELETE', '/apis/apps/v1/namespaces/ns/deployments', 'method'],
    ['PATCH', '/api/v1/namespaces/ns', 'method'],
    ['DELETE', '/api/v1/namespaces/ns', 'method'],
    ['POST', '/apis', 'method'],
    ['CONNECT', '/version', 'method'],
    ['PATCH', '/api/v1/namespaces/ns/secrets/sh.helm.release.v1.web.v1', 'forged_record'],
    ['PATCH', '/api/v1/namespaces/ns/secrets/sh.helm.release.v1.other.v7', 'forged_record'],
    ['DELETE', '/api/v1/namespaces/ns/secrets/sh.helm.release.v1.other.v7', 'forged_record'],
    ['DELETE', '/api/v1/namespaces/ns/secrets/sh.helm.release.v1.web.v1.v7', 'forged_record'],
    ['PUT', '/api/v1/namespaces/ns/secrets/sh.helm.release.v1.web.v07', 'method'],
    ['GET', '/api/v1/namespaces/ns/pods?as=admin', 'query'],
    ['GET', '/api/v1/namespaces/ns/pods?%77atch=true', 'query'],
    ['GET', '/api/v1/namespaces/ns/pods?limit=1;as=admin', 'query'],
    ['GET', '/version?hash=1', 'query'],
  ])('%s %s', (method, url, expected) => expect(verdict(method, url)).toBe(expected))
})

describe('odd paths are not read at all', () => {
  test.each([
    '/api/v1/namespaces/ns/pods/p/exec',
    '/api/v1/namespaces/ns/pods/p/log',
    '/api/v1/namespaces/ns/serviceaccounts/default/token',
    '/api/v1/namespaces/ns/status',
    '/api/v1/namespaces/ns/finalize',
    '/api/v1/watch/namespaces/ns/pods',
    '/api/v1/proxy/namespaces/ns/pods',
    '/api/v1/namespaces/ns/../other/secrets',
    '/api/v1/namespaces/ns/./secrets',
    '/api/v1/namespaces//ns/secrets',
    '/api/v1/namespaces/ns/secrets/',
    '/api/v1/namespaces/ns%2fsecrets',
    '/api/v1/namespaces/%6es/secrets',
    '/api/v1/namespaces/ns/secrets;x=1/a',
    '/api/v1/namespaces/ns\\..\\other/secrets',
    '/api/v2/namespaces/ns/secrets',
    '/apis/apps',
    '/openapi/v2',
    '/openapi/v3/apis/apps/v1/x',
    '/metrics',
    '/logs/kube-apiserver.log',
    '/',
    '',
    '*',
    'http://elsewhere/api/v1/namespaces/ns/secrets',
    '//elsewhere/version',
    '/version?timeout=1s?x',
    '/version#a',
  ])('%s', (url) => expect(verdict('GET', url)).toBe('odd_path'))
})

describe('a grant', () => {
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  const crd = { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions', namespace: null, name: 'a.b' }
  const map = { group: '', resource: 'configmaps', namespace: 'other', name: 'a' }
  const old = { group: '', resource: 'namespaces', namespace: null, name: 'old', only: 'removal' } as const
  const granted = [{ ...crd, only: null }, { ...map, only: null }, old]

  test.each([
    ['PATCH', `${definitions}/a.b`, 'write'],
    ['GET', `${definitions}/a.b`, 'read'],
    ['DELETE', `${definitions}/a.b?propagationPolicy=Background`, 'write'],
    ['POST', definitions, 'write'],
    ['GET', `${definitions}?fieldSelector=metadata.name%3Da.b&watch=true`, 'read'],
    ['PATCH', '/api/v1/namespaces/other/configmaps/a', 'write'],
    ['GET', '/api/v1/namespaces/old', 'read'],
    ['DELETE', '/api/v1/namespaces/old', 'write'],
    ['PUT', `${definitions}/a.b`, 'method'],
    ['PATCH', `${definitions}/a.c`, 'cluster_scoped'],
    ['GET', definitions, 'cluster_scoped'],
    ['GET', `${definitions}?fieldSelector=metadata.name%3Da.c`, 'cluster_scoped'],
    ['GET', `${definitions}?fieldSelector=metadata.name!%3Da.b`, 'cluster_scoped'],
    ['GET', `${definitions}?fieldSelector=metadata.name%3Da.b&fieldSelector=`, 'cluster_scoped'],
    ['DELETE', `${definitions}?fieldSelector=metadata.name%3Da.b`, 'cluster_scoped'],
    ['PATCH', '/api/v1/namespaces/other/secrets/a', 'outside_namespace'],
    ['PATCH', '/api/v1/namespaces/third/configmaps/a', 'outside_namespace'],
    ['PATCH', '/api/v1/namespaces/old', 'outside_namespace'],
    ['POST', '/api/v1/namespaces', 'cluster_scoped'],
  ])('lets out exactly what it names: %s %s', (method, url, expected) =>
    expect(verdict(method, url, { ...room, granted })).toBe(expected),
  )
})

test('whatever passes by a grant names the granted object, or makes one of its kind', () => {
  const granted = [
    { group: '', resource: 'configmaps', namespace: 'other', name: 'a', only: null },
    { group: 'apps', resource: 'deployments', namespace: 'other', name: 'b', only: 'removal' },
    { group: '', resource: 'namespaces', namespace: null, name: 'other', only: null },
  ] as const
  const [map, deployment, space] = granted
  const opened = [
    { ...map, path: '/api/v1/namespaces/other/configmaps' },
    { ...deployment, path: '/apis/apps/v1/namespaces/other/deployments' },
    { ...space, path: '/api/v1/namespaces' },
  ]
  const word = fc.constantFrom(
    'api',
    'apis',
    'v1',
    'apps',
    'namespaces',
    'other',
    'configmaps',
    'deployments',
    'a',
    'b',
  )
  const starts = fc.constantFrom('', ...opened.map(({ path }) => path))
  const query = fc.constantFrom(
    '',
    '?fieldSelector=metadata.name%3Da',
    '?fieldSelector=metadata.name%3Db',
    '?watch=true',
  )
  const url = fc
    .tuple(starts, fc.array(word, { maxLength: 5 }), query)
    .map(([start, words, asked]) => [start, ...words].join('/') + asked)
  fc.assert(
    fc.property(fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE', 'PUT'), url, (method, raw) => {
      const decided = classifyRequest(method, raw, { ...room, granted })
      if (decided.kind === 'refused' || decided.kind === 'discovery' || !decided.beyond) return
      const { pathname, searchParams } = new URL(raw, 'http://cluster')
      const selected = searchParams.get('fieldSelector')?.replace('metadata.name=', '')
      const fits = opened.some(({ path, name, only }) => {
        if (only === 'removal' && !['GET', 'DELETE'].includes(method)) return false
        if (pathname === `${path}/${name}`) return true
        return pathname === path && (method === 'POST' || (method === 'GET' && selected === name))
      })
      expect([method, raw, fits]).toEqual([method, raw, true])
    }),
    { numRuns: 5000 },
  )
})

test('whatever passes is discovery, or lies in the namespace', () => {
  const pieces = [
    ...['api', 'apis', 'v1', 'apps', 'namespaces', 'ns', 'other', 'secrets', 'pods', 'watch', 'proxy', 'exec', 'a'],
    ...['.', '..', '', '%2e%2e', '%2f', ';', '\\', 'ns%00', 'NS', 'ns ', '?', '#', 'openapi', 'v3', 'version', '*'],
  ]
  const segment = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...pieces) }, { weight: 1, arbitrary: fc.string() })
  const prefixes = ['/', '/api/v1/namespaces/ns/', '/apis/apps/v1/namespaces/ns/', '/api/v1/', '']
  const url = fc
    .tuple(fc.constantFrom(...prefixes), fc.array(segment, { maxLength: 5 }))
    .map(([prefix, segments]) => prefix + segments.join('/'))
  const method = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD')
  const open = /^\/(?:version|apis?|api\/v1|apis\/[^/]+\/[^/]+|openapi\/v3(?:\/api\/v1|\/apis\/[^/]+\/[^/]+)?)$/
  const inside = /^\/(?:api\/v1|apis\/[a-z0-9.-]+\/[a-z0-9-]+)\/namespaces\/ns(?:\/[a-z][a-z0-9-]*(?:\/[^/]+)?)?$/
  fc.assert(
    fc.property(method, url, (asked, raw) => {
      const decided = classifyRequest(asked, raw, room)
      if (decided.kind === 'refused') return
      const [path = ''] = raw.split('?')
      // As the API server would read it: nothing is left to resolve or to decode.
      expect(new URL(path, 'http://cluster').pathname).toBe(path)
      expect(path).toMatch(decided.kind === 'discovery' ? open : inside)
    }),
    { numRuns: 5000 },
  )
})
