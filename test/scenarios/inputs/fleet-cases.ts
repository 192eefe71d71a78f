import { tenants } from '../fleet/world.ts'
import { body, post, query, type Refusal, reads, streams, waits } from './refusal.ts'

const batchPath = '/helm/releases/chart/small/batch-upgrade'
/** What is refused of a chart's whole fleet. */
export const fleet: readonly Refusal[] = [
  ...body(`${batchPath}?targetVersion=1.9.0`, {}, [
    ...waits,
    ['a field of upgrade', { valuesOverride: {} }, '/valuesOverride'],
  ]),
  ...body(batchPath, {}, [['no targetVersion', {}, 'query/targetVersion']]),
  ...body(`${batchPath}?targetVersion=newest`, {}, [['a targetVersion that is none', {}, 'query/targetVersion']]),
  ...body(`${batchPath}?targetVersion=1.9.0&concurrency=0`, {}, [['none at once', {}, 'query/concurrency']]),
  ...body(`${batchPath}?targetVersion=1.9.0&concurrency=33`, {}, [['33 at once', {}, 'query/concurrency']]),
  ...post(`${batchPath}?targetVersion=1.9.1`, [['an unknown version', 'operator', {}, 404, 'chart_version_not_found']]),
  ...post(`${batchPath}?targetVersion=1.9.0`, [['the key of a viewer', 'viewer', {}, 403, 'forbidden']]),
  ...query('/helm/releases/chart/small/needs-upgrade', [
    ['no targetVersion', '', 'query/targetVersion'],
    ['a targetVersion that is none', 'targetVersion=1.2', 'query/targetVersion'],
  ]),
  ...query('/helm/releases/chart/-small/versions', [['a chart that is none', '', 'path/chart']]),
  ...query('/helm/releases/summary', [['an unknown parameter', 'tenantId=x', 'query/tenantId']]),
]

/** Lists, reads and operations that are refused. */
export const lists: readonly Refusal[] = [
  ...query('/helm/releases', [
    ...reads,
    ['an unknown status', 'status=BROKEN', 'query/status'],
    ['an unknown order', 'sort=size', 'query/sort'],
    ['attention as a number', 'attention=1', 'query/attention'],
    ['an empty search', 'q=', 'query/q'],
    ['a status in lower case', 'status=deployed', 'query/status'],
    ['a tenant that is no id', 'tenantId=acme', 'query/tenantId'],
    ['a namespace that is none', 'namespace=A', 'query/namespace'],
  ]),
  ...query('/operations', [
    ...reads,
    ['an unknown status', 'status=DONE', 'query/status'],
    ['a release that is no id', 'releaseId=1', 'query/releaseId'],
  ]),
  ...query(`/helm/releases/tenant/${tenants.a}`, reads),
  ...query('/helm/releases/tenant/acme', [['a tenant that is no id', '', 'path/tenantId']]),
  ...query('/tenants', [...reads, ['a search for NUL', 'q=%00', 'query/q']]),
  ...query('/audit', [...reads, ['a search for NUL', 'performedBy=%00', 'query/performedBy']], 'admin'),
  ...query('/api-keys', reads, 'admin'),
  ...query('/chart-sources', reads, 'admin'),
  ...query('/helm/releases/{mine}/events', reads),
  ...query('/helm/releases/{mine}/revisions/0', [['revision 0', '', 'path/revision']]),
  ...query('/helm/releases/{mine}/revisions/one', [['a revision that is no number', '', 'path/revision']]),
  ...query('/helm/releases/{mine}/revisions/diff', [
    ['one side only', 'from=1', 'query/to'],
    ['revision 0', 'from=0&to=1', 'query/from'],
  ]),
  ...['/helm/releases', '/operations', '/tenants'].map(
    (path): Refusal => ({
      what: 'a cursor that is none',
      as: 'operator',
      method: 'GET',
      path: `${path}?cursor=abc`,
      status: 400,
      code: 'invalid_cursor',
      pointer: 'query/cursor',
    }),
  ),
  {
    what: 'an unknown revision',
    as: 'viewer',
    method: 'GET',
    path: '/helm/releases/{mine}/revisions/99',
    status: 404,
    code: 'revision_not_found',
  },
  {
    what: 'the diff with an unknown revision',
    as: 'viewer',
    method: 'GET',
    path: '/helm/releases/{mine}/revisions/diff?from=1&to=99',
    status: 404,
    code: 'revision_not_found',
  },
  {
    what: 'the filter of another tenant',
    as: 'operator',
    method: 'GET',
    path: `/helm/releases?tenantId=${tenants.b}`,
    status: 404,
    code: 'not_found',
  },
  {
    what: 'the list of another tenant',
    as: 'operator',
    method: 'GET',
    path: `/helm/releases/tenant/${tenants.b}`,
    status: 404,
    code: 'not_found',
  },
  ...streams('/helm/releases/{mine}/events'),
  ...streams('/operations/{operation}/events'),
  ...streams('/registry/upgrades/{execution}/events'),
  ...streams('/events'),
  {
    what: 'the releases of a tenant that there is not',
    as: 'admin',
    method: 'GET',
    path: '/helm/releases?tenantId=00000000-0000-4000-8000-000000000000',
    status: 404,
    code: 'not_found',
  },
  {
    what: 'to cancel what has ended',
    as: 'operator',
    method: 'POST',
    path: '/operations/{operation}/cancel',
    status: 409,
    code: 'not_cancellable',
  },
  {
    what: 'to cancel as a viewer',
    as: 'viewer',
    method: 'POST',
    path: '/operations/{operation}/cancel',
    status: 403,
    code: 'forbidden',
  },
  {
    what: 'to cancel for another tenant',
    as: 'operator',
    method: 'POST',
    path: '/operations/{foreignOperation}/cancel',
    status: 404,
    code: 'not_found',
  },
]
