import { valid } from 'semver'
import { z } from 'zod'
import type { Place } from '../../infra/database/ordered.ts'
import { sendList } from '../../infra/http/page.ts'
import { pageQuery, queryBoolean, queryInteger, querySort, queryText } from '../../infra/http/query.ts'
import { route } from '../../infra/http/route.ts'
import { batchResult as resultOf } from '../commands/batch-result.ts'
import { batchUpgrade, olderThan } from '../commands/batch-upgrade.ts'
import { scopeOf } from '../commands/context.ts'
import { releasesWaiting } from '../commands/execution-waits.ts'
import { previewBatch } from '../commands/preview-batch.ts'
import { summarize, versionsOf } from '../store/counts.ts'
import { countAtVersions, listAtVersions, placeOfRelease, releaseOrders } from '../store/lists.ts'
import { listedRelease as view } from '../views.ts'
import { answerOperation, commandCall, type RouteDeps } from './answer.ts'
import {
  accepted,
  batchBody,
  batchResult,
  chartName,
  chartVersion,
  listedRelease,
  summary,
  upgradePreview,
} from './schemas.ts'

const read = { action: 'release.read', scope: 'tenant' } as const
const chartParams = z.strictObject({ chart: chartName })
const targetVersion = chartVersion.refine(
  (version) => valid(version) !== null,
  'must be a semantic version such as 1.2.0',
)

export const summaryRoute = (deps: RouteDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/helm/releases/summary',
    operationId: 'summarizeReleases',
    tags: ['fleet'],
    summary: 'How many releases there are, by status and by chart',
    permission: read,
    schema: { responses: { 200: { description: 'Counts', schema: summary } } },
    handler: ({ principal }) => summarize(deps.db, scopeOf(principal)),
  })

export const versions = (deps: RouteDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/helm/releases/chart/:chart/versions',
    operationId: 'countReleasesByVersion',
    tags: ['fleet'],
    summary: 'How many releases of a chart run which version',
    permission: read,
    schema: {
      params: chartParams,
      responses: { 200: { description: 'Version to count', schema: z.record(z.string(), z.int()) } },
    },
    handler: ({ params, principal }) => versionsOf(deps.db, scopeOf(principal), params.chart),
  })

export const needsUpgrade = (deps: RouteDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/helm/releases/chart/:chart/needs-upgrade',
    operationId: 'listReleasesNeedingUpgrade',
    tags: ['fleet'],
    summary: 'Releases of a chart that run a version older than the target, by semver order',
    permission: read,
    schema: {
      params: chartParams,
      query: z.strictObject({
        ...pageQuery,
        targetVersion,
        q: queryText().optional().describe('Part of the name or the namespace.'),
        sort: querySort(releaseOrders, 'newest first'),
      }),
      responses: { 200: { description: 'Releases', schema: z.array(listedRelease) } },
    },
    handler: async (call) => {
      const { sort: order = '-createdAt', targetVersion, q } = call.query
      const scope = scopeOf(call.principal)
      const wanted = { ...(await olderThan(deps, call.principal, call.params.chart, targetVersion)), q }
      return sendList(call, {
        total: () => countAtVersions(deps.db, scope, wanted),
        rows: async (after: Place | null, limit) =>
          releasesWaiting(deps.ports.executions, await listAtVersions(deps.db, scope, wanted, { after, limit, order })),
        position: (row) => placeOfRelease(order, row),
        present: view,
      })
    },
  })

const batchPreview = z
  .strictObject({
    targetVersion: z.string(),
    releases: z.array(
      z.strictObject({ release: listedRelease, diff: upgradePreview.nullable(), skipped: z.string().nullable() }),
    ),
  })
  .meta({ id: 'BatchPreview' })

export const batch = (deps: RouteDeps) =>
  route({
    method: 'POST',
    url: '/api/v1/helm/releases/chart/:chart/batch-upgrade',
    operationId: 'batchUpgrade',
    tags: ['fleet'],
    summary: 'Upgrade all releases of a chart to a version',
    description:
      'One after another, or `concurrency` at once. A failed upgrade does not keep the others back: each stands in the ' +
      'result. Every release keeps its own values.',
    permission: { action: 'release.batch-upgrade', scope: 'tenant', dryRun: 'release.preview' },
    schema: {
      params: chartParams,
      query: z.strictObject({
        targetVersion,
        concurrency: queryInteger(1, 32).optional().describe('How many at once; default 1.'),
        dryRun: queryBoolean().optional(),
      }),
      body: batchBody,
      responses: {
        200: { description: 'What became of each release', schema: z.union([batchResult, batchPreview]) },
        202: accepted,
      },
    },
    idempotency: {
      replay: (call, operationId) =>
        answerOperation(deps, call, operationId, () => resultOf(deps, call.principal, operationId)),
    },
    handler: async (call) => {
      const { params, query, body } = call
      const given = commandCall(call, body.reason)
      const target = { chart: params.chart, targetVersion: query.targetVersion, concurrency: query.concurrency ?? 1 }
      if (query.dryRun === true) return previewBatch(deps, given, target)
      const operationId = await batchUpgrade(deps, given, target, body)
      return answerOperation(deps, call, operationId, () => resultOf(deps, call.principal, operationId))
    },
  })
