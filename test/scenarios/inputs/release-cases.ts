import { installOf } from '../fleet/world.ts'
import { body, deploys, describes, missing, post, type Refusal, text501, waits } from './refusal.ts'

const fresh = installOf('a', 'fresh', '1.2.0')
const deep = (levels: number): object => (levels === 0 ? {} : { a: deep(levels - 1) })

/** Installs that are refused. */
export const install: readonly Refusal[] = [
  ...missing('/helm/releases', fresh, ['tenantId', 'releaseName', 'namespace', 'chartName', 'chartVersion']),
  ...body('/helm/releases', fresh, [
    ...deploys,
    ['a tenant that is no id', { tenantId: 'acme' }, '/tenantId'],
    ['a name in upper case', { releaseName: 'Fresh' }, '/releaseName'],
    ['a name that is too long', { releaseName: 'a'.repeat(54) }, '/releaseName'],
    ['a name that is an option', { releaseName: '--post-renderer' }, '/releaseName'],
    ['a namespace that is none', { namespace: 'tenant_a' }, '/namespace'],
    ['a chart that is a path', { chartName: '../small' }, '/chartName'],
    ['a chart that is a URL', { chartName: 'oci://x/small' }, '/chartName'],
    ['a namespace as a list', { namespace: ['tenant-a'] }, '/namespace'],
  ]),
  ...post('/helm/releases', [
    ['an unknown tenant', 'operator', { ...fresh, tenantId: '99999999-0000-4000-8000-000000000000' }, 404, 'not_found'],
    ['another tenant', 'operator', installOf('b', 'fresh', '1.2.0'), 404, 'not_found'],
    ['a foreign namespace', 'operator', { ...fresh, namespace: 'tenant-b' }, 403, 'namespace_not_owned'],
    ['a namespace that nobody has', 'operator', { ...fresh, namespace: 'unclaimed' }, 403, 'namespace_not_owned'],
    ['a namespace of the cluster', 'admin', { ...fresh, namespace: 'kube-system' }, 403, 'namespace_not_owned'],
    [
      'a foreign namespace and no such chart',
      'operator',
      { ...fresh, namespace: 'tenant-b', chartVersion: '9.9.9' },
      403,
      'namespace_not_owned',
    ],
    ['an unknown chart', 'operator', { ...fresh, chartName: 'unheard-of' }, 404, 'chart_not_found'],
    ['an unknown version', 'operator', { ...fresh, chartVersion: '1.2.1' }, 404, 'chart_version_not_found'],
    ['a name that is taken', 'operator', { ...fresh, releaseName: 'mine' }, 409, 'name_taken'],
    [
      'values that do not render',
      'operator',
      { ...fresh, valuesOverride: { brokenAt: '1.2.0' } },
      422,
      'chart_render_failed',
    ],
    ['values that are too deep', 'operator', { ...fresh, valuesOverride: deep(70) }, 422, 'values_too_large'],
    [
      'values that are too large',
      'operator',
      { ...fresh, valuesOverride: { a: 'x'.repeat(600_000) } },
      422,
      'values_too_large',
    ],
    ['the key of a viewer', 'viewer', fresh, 403, 'forbidden'],
  ]),
]

const move = { chartVersion: '1.9.0' }
/** Upgrades that are refused, previews too. */
export const upgrade: readonly Refusal[] = [
  ...body('/helm/releases/{mine}/upgrade', move, [
    ...deploys,
    ['an unknown valuesMode', { valuesMode: 'mix' }, '/valuesMode'],
    ['revision 0', { ifRevision: 0 }, '/ifRevision'],
    ['a revision as text', { ifRevision: '1' }, '/ifRevision'],
    ['forceConflicts as text', { forceConflicts: 'yes' }, '/forceConflicts'],
  ]),
  ...body('/helm/releases/{mine}/upgrade', {}, [['neither version nor values', { atomic: true }, '']]),
  ...body('/helm/releases/{mine}/upgrade?dryRun=maybe', move, [['a dryRun of maybe', {}, 'query/dryRun']]),
  ...body('/helm/releases/{mine}/upgrade?dryrun=true', move, [['a misspelt dryRun', {}, 'query/dryrun']]),
  ...post('/helm/releases/{mine}/upgrade', [
    ['an unknown version', 'operator', { chartVersion: '1.2.1' }, 404, 'chart_version_not_found'],
    ['another revision than the previewed', 'operator', { ...move, ifRevision: 99 }, 409, 'revision_moved'],
    ['another change than the previewed', 'operator', { ...move, ifDiffHash: 'nope' }, 409, 'diff_changed'],
    ['the key of a viewer', 'viewer', move, 403, 'forbidden'],
  ]),
  ...post('/helm/releases/{gone}/upgrade', [['an uninstalled release', 'operator', move, 409, 'wrong_status']]),
  ...post('/helm/releases/{foreign}/upgrade', [['another tenant', 'operator', move, 404, 'not_found']]),
]

/** Rollbacks that are refused, to a number and to the last that worked. */
export const rollback: readonly Refusal[] = [
  ...missing('/helm/releases/{mine}/rollback', { targetRevision: 1 }, ['targetRevision']),
  ...body('/helm/releases/{mine}/rollback', { targetRevision: 1 }, [
    ...waits,
    ...describes,
    ['revision 0', { targetRevision: 0 }, '/targetRevision'],
    ['a negative revision', { targetRevision: -1 }, '/targetRevision'],
    ['a revision beyond all numbers', { targetRevision: 2_147_483_648 }, '/targetRevision'],
    ['a revision as text', { targetRevision: '1' }, '/targetRevision'],
    ['a field of upgrade', { atomic: true }, '/atomic'],
  ]),
  ...body('/helm/releases/{mine}/rollback?cancelExecution=1', { targetRevision: 1 }, [
    ['a number for cancelExecution', {}, 'query/cancelExecution'],
  ]),
  ...post('/helm/releases/{mine}/rollback', [
    ['an unknown revision', 'operator', { targetRevision: 99 }, 404, 'revision_not_found'],
    ['the current revision', 'operator', { targetRevision: 2 }, 409, 'current_revision'],
    ['another revision than the previewed', 'operator', { targetRevision: 1, ifRevision: 1 }, 409, 'revision_moved'],
    ['the key of a viewer', 'viewer', { targetRevision: 1 }, 403, 'forbidden'],
  ]),
  ...post('/helm/releases/{gone}/rollback', [
    ['an uninstalled release', 'operator', { targetRevision: 1 }, 409, 'wrong_status'],
  ]),
  ...post('/helm/releases/{foreign}/rollback', [
    ['another tenant', 'operator', { targetRevision: 1 }, 404, 'not_found'],
  ]),
  ...body('/helm/releases/{mine}/rollback/last-successful', {}, [
    ...waits,
    ['a targetRevision', { targetRevision: 1 }, '/targetRevision'],
  ]),
  ...post('/helm/releases/{single}/rollback/last-successful', [
    ['no earlier revision', 'operator', {}, 409, 'nothing_to_roll_back_to'],
  ]),
]

/** What recover, unfreeze and uninstall refuse. */
export const others: readonly Refusal[] = [
  ...body('/helm/releases/{mine}/recover', {}, [
    ['force as text', { force: 'yes' }, '/force'],
    ['a misspelt dryRun', { dryrun: true }, '/dryrun'],
  ]),
  ...post('/helm/releases/{mine}/recover', [
    ['force without being an admin', 'operator', { force: true }, 403, 'forbidden'],
  ]),
  ...body('/helm/releases/{mine}/unfreeze', {}, [['no direction', {}, 'query/to']]),
  ...body('/helm/releases/{mine}/unfreeze?to=sideways', {}, [['another direction', {}, 'query/to']]),
  ...post('/helm/releases/{mine}/unfreeze?to=target', [
    ['what is not frozen', 'operator', undefined, 409, 'not_frozen'],
  ]),
  {
    what: 'a reason that is too long',
    as: 'operator',
    method: 'DELETE',
    path: `/helm/releases/{mine}?reason=${text501}`,
    status: 400,
    code: 'malformed',
    pointer: 'query/reason',
  },
  {
    what: 'a reason with NUL',
    as: 'operator',
    method: 'DELETE',
    path: '/helm/releases/{mine}?reason=%00',
    status: 400,
    code: 'malformed',
    pointer: 'query/reason',
  },
  {
    what: 'a body',
    as: 'operator',
    method: 'DELETE',
    path: '/helm/releases/{mine}',
    body: { reason: 'x' },
    status: 400,
    code: 'malformed',
    pointer: '/reason',
  },
  {
    what: 'what is uninstalled already',
    as: 'operator',
    method: 'DELETE',
    path: '/helm/releases/{gone}',
    status: 409,
    code: 'wrong_status',
  },
  {
    what: 'another tenant',
    as: 'operator',
    method: 'DELETE',
    path: '/helm/releases/{foreign}',
    status: 404,
    code: 'not_found',
  },
  {
    what: 'the key of a viewer',
    as: 'viewer',
    method: 'DELETE',
    path: '/helm/releases/{mine}',
    status: 403,
    code: 'forbidden',
  },
]
