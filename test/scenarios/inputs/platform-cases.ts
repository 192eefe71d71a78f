import { tenants } from '../fleet/world.ts'
import { body, missing, post, type Refusal } from './refusal.ts'

const tenant = { name: 'new' }
const key = { name: 'new', role: 'viewer', tenants: [tenants.a] }
const grant = { chartDigest: 'a'.repeat(64), kind: 'ClusterRole', name: 'x' }
const source = { name: 'new', type: 'http', url: 'https://charts.example.com' }

/** What tenants, keys, chart sources and grants refuse. */
export const platform: readonly Refusal[] = [
  ...missing('/tenants', tenant, ['name'], 'admin'),
  ...body(
    '/tenants',
    tenant,
    [
      ['an empty name', { name: ' ' }, '/name'],
      ['an id that is none', { id: 'acme' }, '/id'],
      ['a namespace that is none', { namespaces: ['A'] }, '/namespaces/0'],
      ['a platform version that is none', { platformVersion: 'new' }, '/platformVersion'],
      ['an unknown field', { nmae: 'x' }, '/nmae'],
    ],
    'admin',
  ),
  ...post('/tenants', [
    ['an id that is taken', 'admin', { ...tenant, id: tenants.a }, 409, 'conflict'],
    ['a namespace that is taken', 'admin', { ...tenant, namespaces: ['tenant-b'] }, 409, 'namespace_taken'],
    ['a namespace of the cluster', 'admin', { ...tenant, namespaces: ['kube-public'] }, 422, 'namespace_reserved'],
    ['an unknown cluster', 'admin', { ...tenant, clusterId: '99999999-0000-4000-8000-000000000000' }, 404, 'not_found'],
    ['the key of an operator', 'operator', tenant, 403, 'forbidden'],
  ]),
  ...missing('/api-keys', key, ['name', 'role'], 'admin'),
  ...body(
    '/api-keys',
    key,
    [
      ['an unknown role', { role: 'root' }, '/role'],
      ['a tenant that is no id', { tenants: ['acme'] }, '/tenants/0'],
      ['no tenant', { tenants: [] }, '/tenants'],
      ['a time that is none', { expiresAt: 'tomorrow' }, '/expiresAt'],
      ['a time that has passed', { expiresAt: '2001-01-01T00:00:00Z' }, '/expiresAt'],
      ['a name with NUL', { name: 'a\0' }, '/name'],
    ],
    'admin',
  ),
  ...post('/api-keys', [
    ['an unknown tenant', 'admin', { ...key, tenants: ['99999999-0000-4000-8000-000000000000'] }, 404, 'not_found'],
    ['the key of an operator', 'operator', key, 403, 'forbidden'],
  ]),
  ...missing('/chart-sources', source, ['name', 'type', 'url'], 'admin'),
  ...body(
    '/chart-sources',
    source,
    [
      ['a name that is none', { name: 'A b' }, '/name'],
      ['an unknown type', { type: 'ftp' }, '/type'],
      ['a priority that is negative', { priority: -1 }, '/priority'],
      ['an address that is none', { url: 'charts' }, '/url'],
      ['credentials of no kind', { credentials: { user: 'x' } }, '/credentials'],
    ],
    'admin',
  ),
  ...post('/chart-sources', [
    ['a name that is taken', 'admin', { ...source, name: 'tests' }, 409, 'conflict'],
    ['a folder outside', 'admin', { ...source, type: 'folder', url: '/etc' }, 422, 'refused'],
    ['the key of an operator', 'operator', source, 403, 'forbidden'],
  ]),
  ...missing('/grants', grant, ['chartDigest', 'kind', 'name'], 'admin'),
  ...body(
    '/grants',
    grant,
    [
      ['a kind of no known group', { kind: 'ServiceMonitor' }, '/apiGroup'],
      ['a kind that lies in a namespace', { kind: 'ConfigMap' }, '/namespace'],
      ['a namespace of what has none', { namespace: 'kube-system' }, '/namespace'],
      ['all names', { name: '*' }, '/name'],
      ['all kinds', { kind: '*' }, '/kind'],
      ['a digest that is none', { chartDigest: 'any' }, '/chartDigest'],
    ],
    'admin',
  ),
  ...post('/grants', [['the key of an operator', 'operator', grant, 403, 'forbidden']]),
]
