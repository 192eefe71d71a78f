import { tenants } from '../fleet/world.ts'
import { body, missing, post, query, type Refusal, reads, type Wrong } from './refusal.ts'

const unknown = '99999999-0000-4000-8000-000000000000'
const component = { name: 'new', category: 'TESTED', chartName: 'small' }
const version = { version: '2.0.0' }
const edge = { fromVersionId: unknown, toVersionId: '99999999-0000-4000-8000-000000000001' }
const question = { ...edge, componentId: unknown }

/** Each wrong change of a patch: 400 with the pointer. */
const patch = (path: string, wrong: readonly Wrong[]): readonly Refusal[] =>
  body(path, {}, wrong, 'admin').map((refusal) => ({ ...refusal, method: 'PATCH' }))

const patched = (path: string, given: object): readonly Refusal[] => [
  {
    what: 'the key of an operator',
    as: 'operator',
    method: 'PATCH',
    path,
    body: given,
    status: 403,
    code: 'forbidden',
  },
]

/** What components, versions and upgrade paths refuse. */
export const registry: readonly Refusal[] = [
  ...missing('/registry/components', component, ['name', 'category', 'chartName'], 'admin'),
  ...body(
    '/registry/components',
    component,
    [
      ['a blank name', { name: ' ' }, '/name'],
      ['a chart that is a path', { chartName: '../small' }, '/chartName'],
      ['an endpoint that climbs', { healthEndpoint: { path: '/../x', port: 80 } }, '/healthEndpoint/path'],
      ['port 0', { healthEndpoint: { path: '/', port: 0 } }, '/healthEndpoint/port'],
      ['a name with NUL', { name: 'a\0' }, '/name'],
      ['an unknown field', { nmae: 'x' }, '/nmae'],
    ],
    'admin',
  ),
  ...post('/registry/components', [
    ['a name that is taken', 'admin', { ...component, name: 'small' }, 409, 'conflict'],
    ['the key of an operator', 'operator', component, 403, 'forbidden'],
    ['the key of a viewer', 'viewer', component, 403, 'forbidden'],
  ]),
  ...patch('/registry/components/{component}', [
    ['nothing', {}, ''],
    ['a name of null', { name: null }, '/name'],
    ['its id', { id: unknown }, '/id'],
  ]),
  ...patched('/registry/components/{component}', { description: 'x' }),
  ...missing('/registry/components/{component}/versions', version, ['version'], 'admin'),
  ...body(
    '/registry/components/{component}/versions',
    version,
    [
      ['a number that is short', { version: '2.0' }, '/version'],
      ['an unknown status', { status: 'OLD' }, '/status'],
      ['a day that is none', { releaseDate: 'tomorrow' }, '/releaseDate'],
      ['a dependency on no range', { dependencies: { kafka: 'newest' } }, '/dependencies/kafka'],
      ['platforms in no order', { minPlatformVersion: '2', maxPlatformVersion: '1' }, '/maxPlatformVersion'],
      ['an unknown field', { recomended: true }, '/recomended'],
    ],
    'admin',
  ),
  ...post('/registry/components/{component}/versions', [
    ['a number that is there', 'admin', { version: '1.0.0' }, 409, 'conflict'],
    ['the key of an operator', 'operator', version, 403, 'forbidden'],
  ]),
  ...patch('/registry/components/{component}/versions/{version}', [
    ['nothing', {}, ''],
    ['another number', { version: '3.0.0' }, '/version'],
  ]),
  ...patched('/registry/components/{component}/versions/{version}', { lts: true }),
  ...missing('/registry/upgrade-paths', edge, ['fromVersionId', 'toVersionId'], 'admin'),
  ...body(
    '/registry/upgrade-paths',
    edge,
    [
      ['a version in place of an id', { toVersionId: '1.1.0' }, '/toVersionId'],
      ['one version twice', { toVersionId: unknown }, '/toVersionId'],
      ['an unknown risk', { riskLevel: 'NONE' }, '/riskLevel'],
      ['its type', { upgradeType: 'MAJOR' }, '/upgradeType'],
    ],
    'admin',
  ),
  ...post('/registry/upgrade-paths', [
    ['unknown versions', 'admin', edge, 404, 'not_found'],
    ['the key of an operator', 'operator', edge, 403, 'forbidden'],
  ]),
  ...missing('/registry/upgrade-paths/validate', question, ['componentId', 'fromVersionId', 'toVersionId'], 'viewer'),
  ...body(
    '/registry/upgrade-paths/validate',
    question,
    [
      ['a version that cannot be read', { installedComponents: { kafka: 'latest' } }, '/installedComponents/kafka'],
      ['an unknown field', { tenant: tenants.a }, '/tenant'],
    ],
    'viewer',
  ),
  ...post('/registry/upgrade-paths/validate', [
    ['an unknown component', 'viewer', question, 404, 'not_found'],
    ['another tenant', 'viewer', { ...question, tenantId: tenants.b }, 404, 'not_found'],
  ]),
  ...query('/registry/components', [...reads, ['an unknown order', 'sort=size', 'query/sort']]),
  ...query('/registry/components/{component}/versions', [
    ...reads,
    ['an unknown status', 'status=OLD', 'query/status'],
  ]),
  ...query('/registry/upgrade-paths', [...reads, ['a component that is no id', 'componentId=x', 'query/componentId']]),
  ...query('/registry/components/{component}/upgrade-paths', [
    ['no from', `to=${unknown}`, 'query/from'],
    ['one version twice', `from=${unknown}&to=${unknown}`, 'query/to'],
    ['no route at all', `from=${unknown}&to=${tenants.a}&limit=0`, 'query/limit'],
  ]),
]
