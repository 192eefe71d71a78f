import { describe, expect, test } from 'vitest'
import { isGrantedObject, resourceOfKind } from './grants.ts'
import { groupOfKind } from './kinds.ts'

const rbac = 'rbac.authorization.k8s.io'

test.each([
  ['ClusterRoleBinding', rbac, 'clusterrolebindings'],
  ['CustomResourceDefinition', 'apiextensions.k8s.io', 'customresourcedefinitions'],
  ['Namespace', '', 'namespaces'],
  ['NetworkPolicy', 'networking.k8s.io', 'networkpolicies'],
  ['IngressClass', 'networking.k8s.io', 'ingressclasses'],
  ['StorageClass', 'storage.k8s.io', 'storageclasses'],
  ['Endpoints', '', 'endpoints'],
  ['ServiceMonitor', null, 'servicemonitors'],
])('%s', (kind, group, resource) => {
  expect([groupOfKind(kind), resourceOfKind(kind)]).toEqual([group, resource])
})

describe('a grant is for one object', () => {
  const grant = { apiGroup: rbac, kind: 'ClusterRoleBinding', name: 'a', namespace: null }
  const object = { apiVersion: `${rbac}/v1`, kind: 'ClusterRoleBinding', name: 'a', namespace: null }

  test('in any version', () => {
    expect(isGrantedObject([grant], object)).toBe(true)
    expect(isGrantedObject([grant], { ...object, apiVersion: `${rbac}/v1beta1` })).toBe(true)
  })

  test.each([{ name: 'b' }, { kind: 'ClusterRole' }, { namespace: 'other' }, { apiVersion: 'evil.test/v1' }])(
    'and not for %j',
    (other) => expect(isGrantedObject([grant], { ...object, ...other })).toBe(false),
  )
})
