import { z } from 'zod'
import { Problem } from '../../core/problems.ts'
import type { Principal } from '../../core/subject.ts'
import type { Place } from '../../infra/database/ordered.ts'
import { sendMemoryList } from '../../infra/http/memory-list.ts'
import { sendList } from '../../infra/http/page.ts'
import { pageQuery, queryBoolean, queryInteger, querySort, queryText } from '../../infra/http/query.ts'
import { type Call, route } from '../../infra/http/route.ts'
import { idParams, uuid } from '../../infra/http/schemas.ts'
import { maySee } from '../../tenants/index.ts'
import { scopeOf } from '../commands/context.ts'
import { releasesWaiting } from '../commands/execution-waits.ts'
import { diffRevisions } from '../commands/preview.ts'
import { answerRelease, readHistory, readRevision } from '../commands/reads.ts'
import {
  countReleases,
  listReleases,
  placeOfRelease,
  type ReleaseFilter,
  type ReleaseOrder,
  releaseOrders,
} from '../store/lists.ts'
import { listedRelease as view } from '../views.ts'
import { commandCall, type RouteDeps } from './answer.ts'
import {
  chartName,
  chartVersion,
  diffView,
  historyEntry,
  listedRelease,
  namespaceName,
  release,
  releaseStatus,
  revisionView,
} from './schemas.ts'

const revisionNumber = queryInteger(1, 2_147_483_647)
const read = { action: 'release.read', scope: 'tenant' } as const
const searchQuery = {
  q: queryText().optional().describe('Part of the name, the namespace or the chart.'),
  attention: queryBoolean()
    .optional()
    .describe(
      'What needs a person: failed, frozen, pending by another hand, without its workloads, or not ready for 5 minutes.',
    ),
  sort: querySort(releaseOrders, 'newest first'),
}

export const listAll = (deps: RouteDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/helm/releases',
    operationId: 'listReleases',
    tags: ['releases'],
    summary: 'The fleet: all releases that the caller may see, newest first',
    permission: read,
    schema: {
      query: z.strictObject({
        ...pageQuery,
        status: releaseStatus.optional().describe('Without it UNINSTALLED ones are left out.'),
        chart: chartName.optional(),
        chartVersion: chartVersion.optional(),
        tenantId: uuid.optional(),
        namespace: namespaceName.optional(),
        ...searchQuery,
      }),
      responses: { 200: { description: 'Releases', schema: z.array(listedRelease) } },
    },
    handler: async (call) => {
      const { limit: _limit, cursor: _cursor, sort: _sort, ...filter } = call.query
      if (filter.tenantId !== undefined) await requireTenant(deps, call.principal, filter.tenantId)
      return sendReleases(deps, call, filter)
    },
  })

export const listOfTenant = (deps: RouteDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/helm/releases/tenant/:tenantId',
    operationId: 'listReleasesOfTenant',
    tags: ['releases'],
    summary: 'All releases of a tenant, newest first',
    permission: read,
    schema: {
      params: z.strictObject({ tenantId: uuid }),
      query: z.strictObject({ ...pageQuery, status: releaseStatus.optional(), ...searchQuery }),
      responses: { 200: { description: 'Releases', schema: z.array(listedRelease) } },
    },
    handler: async (call) => {
      await requireTenant(deps, call.principal, call.params.tenantId)
      const { status, q, attention } = call.query
      return sendReleases(deps, call, { tenantId: call.params.tenantId, status, q, attention })
    },
  })

type PagedCall = Pick<Call, 'request' | 'reply' | 'principal'> & {
  readonly query: {
    readonly limit?: number | undefined
    readonly cursor?: string | undefined
    readonly sort?: ReleaseOrder | undefined
  }
}

async function sendReleases(deps: RouteDeps, call: PagedCall, filter: ReleaseFilter) {
  const scope = scopeOf(call.principal)
  const order = call.query.sort ?? '-createdAt'
  return sendList(call, {
    total: () => countReleases(deps.db, scope, filter),
    rows: async (after: Place | null, limit) =>
      releasesWaiting(deps.ports.executions, await listReleases(deps.db, scope, filter, { after, limit, order })),
    position: (row) => placeOfRelease(order, row),
    present: view,
  })
}

/** A tenant that the caller cannot see is as unknown as one that there is not (SPEC section 1). */
async function requireTenant({ db, ports }: RouteDeps, principal: Principal, tenantId: string): Promise<void> {
  if (!maySee(principal, tenantId) || !(await ports.tenants.exists(db, tenantId))) throw noTenant(tenantId)
}

function noTenant(tenantId: string): Problem {
  return new Problem('not_found', `there is no tenant ${tenantId}`)
}

export const readOne = (deps: RouteDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/helm/releases/:id',
    operationId: 'getRelease',
    tags: ['releases'],
    summary: 'One release',
    permission: read,
    schema: { params: idParams, responses: { 200: { description: 'The release', schema: release } } },
    handler: ({ params, principal }) => answerRelease(deps, principal, params.id),
  })

export const history = (deps: RouteDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/helm/releases/:id/history',
    operationId: 'getReleaseHistory',
    tags: ['releases'],
    summary: 'Every revision of a release, newest first',
    permission: read,
    schema: {
      params: idParams,
      query: z.strictObject({
        ...pageQuery,
        q: queryText().optional().describe('Part of the chart version, the status, the description or who did it.'),
        sort: querySort(['revision', '-revision'], 'newest first'),
      }),
      responses: { 200: { description: 'Revisions', schema: z.array(historyEntry) } },
    },
    handler: async (call) =>
      sendMemoryList(call, {
        rows: await readHistory(deps, call.principal, call.params.id),
        id: ({ revision }) => String(revision),
        orders: { revision: byRevision, '-revision': byRevision },
        order: call.query.sort ?? '-revision',
        words: ({ chartVersion, status, description, performedBy }) => [chartVersion, status, description, performedBy],
        present: (entry) => entry,
      }),
  })

const byRevision = ({ revision }: { readonly revision: number }): number => revision

export const revision = (deps: RouteDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/helm/releases/:id/revisions/:revision',
    operationId: 'getRevision',
    tags: ['releases'],
    summary: 'Values and manifest of a revision, redacted',
    permission: read,
    schema: {
      params: z.strictObject({ id: uuid, revision: revisionNumber }),
      responses: { 200: { description: 'The revision', schema: revisionView } },
    },
    handler: ({ params, principal }) => readRevision(deps, principal, params.id, params.revision),
  })

export const diff = (deps: RouteDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/helm/releases/:id/revisions/diff',
    operationId: 'diffRevisions',
    tags: ['releases'],
    summary: 'What differs between two revisions, redacted',
    permission: read,
    schema: {
      params: idParams,
      query: z.strictObject({ from: revisionNumber, to: revisionNumber }),
      responses: { 200: { description: 'The difference', schema: diffView } },
    },
    handler: (call) => diffRevisions(deps, commandCall(call, null), call.params.id, call.query.from, call.query.to),
  })
