import type { OpenApiDocument, OpenApiOperation } from '../../../src/infra/http/openapi.ts'
import type { Method } from '../fleet/api.ts'
import { installOf, tenants } from '../fleet/world.ts'
import type { Given } from './given.ts'
import { newWebhook } from './webhook-cases.ts'

/** An operation of the document, with a request that is right: what is then wrong is one thing only. */
export type ApiOperation = {
  readonly id: string
  readonly method: Method
  readonly path: string
  readonly operation: OpenApiOperation
}

/** Every operation that needs a key, in the order of the document. */
export function operationsOf(document: OpenApiDocument): readonly ApiOperation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation['x-permission'].scope !== 'public')
      .map(([method, operation]) => ({
        id: operation.operationId,
        method: method.toUpperCase() as Method,
        path,
        operation,
      })),
  )
}

const someIds = ['11111111-0000-4000-8000-000000000000', '22222222-0000-4000-8000-000000000000'] as const

/** Well-formed bodies, by operation. The others take an empty one, or none. */
export const bodies: Readonly<Record<string, object>> = {
  installRelease: installOf('a', 'walked', '1.2.0'),
  upgradeRelease: { chartVersion: '1.9.0' },
  rollbackRelease: { targetRevision: 1 },
  registerTenant: { id: tenants.a, name: 'a' },
  createGrant: { chartDigest: 'a'.repeat(64), kind: 'ClusterRole', name: 'walked' },
  createWebhook: newWebhook,
  createApiKey: { name: 'walked', role: 'viewer', tenants: [tenants.a] },
  createComponent: { name: 'walked', category: 'WALKED', chartName: 'small' },
  updateComponent: { description: 'walked' },
  createComponentVersion: { version: '9.0.0' },
  updateComponentVersion: { lts: true },
  createUpgradePath: { fromVersionId: someIds[0], toVersionId: someIds[1] },
  validateUpgradePath: {
    componentId: someIds[0],
    fromVersionId: someIds[0],
    toVersionId: someIds[1],
    tenantId: tenants.a,
  },
  initiateUpgrade: { componentId: someIds[0], fromVersionId: someIds[0], toVersionId: someIds[1] },
  recordBackup: { namespace: 'tenant-a', takenAt: '2026-01-02T03:04:05Z', reference: 'walked' },
  createChartSource: { name: 'walked', type: 'http', url: 'https://charts.example.com' },
}

/** Required query parameters, by operation. Nothing is older than the version of the batch, so it has nothing to do. */
export const queries: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  batchUpgrade: { targetVersion: '1.2.0' },
  listReleasesNeedingUpgrade: { targetVersion: '2.0.0' },
  unfreezeRelease: { to: 'target' },
  diffRevisions: { from: '1', to: '2' },
  findUpgradeRoutes: { from: someIds[0], to: someIds[1] },
}

const ofComponent = [
  ...['getComponent', 'updateComponent', 'findUpgradeRoutes', 'listComponentVersions'],
  ...['createComponentVersion', 'getComponentVersion', 'updateComponentVersion'],
]

const ofWebhook = ['getWebhook', 'deleteWebhook', 'listWebhookDeliveries', 'redeliverWebhook']

/** Path parameters that lead to things of tenant a. */
export function pathsOf({ ids }: Given): Readonly<Record<string, string | Readonly<Record<string, string>>>> {
  const operation = { id: ids.operation ?? '' }
  const component = { id: ids.component ?? '' }
  const webhook = { id: ids.webhook ?? '', deliveryId: ids.delivery ?? '' }
  return {
    id: ids.mine ?? '',
    tenantId: tenants.a,
    chart: 'small',
    revision: '1',
    versionId: ids.version ?? '',
    getOperation: operation,
    cancelOperation: operation,
    listOperationEvents: operation,
    getTenant: { id: tenants.a },
    recordBackup: { id: tenants.a },
    listBackups: { id: tenants.a },
    executionId: ids.execution ?? '',
    componentId: ids.component ?? '',
    ...Object.fromEntries(ofComponent.map((id) => [id, component])),
    ...Object.fromEntries(ofWebhook.map((id) => [id, webhook])),
  }
}

/** The URL of an operation with its query, and with `id` in every path parameter that takes one. */
export function urlWith({ path, id }: ApiOperation, ids: string, more: Readonly<Record<string, string>> = {}): string {
  const others: Readonly<Record<string, string>> = { chart: 'small', revision: '1' }
  const filled = path.replace(/\{([^}]+)\}/g, (_, name: string) => others[name] ?? ids)
  const query = new URLSearchParams({ ...queries[id], ...more }).toString()
  return query === '' ? filled : `${filled}?${query}`
}

/** The URL of an operation on things of tenant a that there are. */
export function urlOf(given: Given, { path, id }: ApiOperation, query: Readonly<Record<string, string>> = {}): string {
  const known = pathsOf(given)
  const own = known[id]
  const filled = path.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const value = (typeof own === 'object' ? own[name] : undefined) ?? known[name]
    return typeof value === 'string' ? value : name
  })
  return `${filled}?${new URLSearchParams({ ...queries[id], ...query })}`
}
