import { z } from 'zod'
import { queryBoolean, queryInteger, queryText } from '../../infra/http/query.ts'
import { type Call, route } from '../../infra/http/route.ts'
import { idParams } from '../../infra/http/schemas.ts'
import { outcomeOf } from '../commands/operations.ts'
import { previewUpgrade, requireDiff } from '../commands/preview.ts'
import { rollback, rollbackToLastSuccessful } from '../commands/rollback.ts'
import { uninstall } from '../commands/uninstall.ts'
import { type UpgradeCheck, upgrade } from '../commands/upgrade.ts'
import { answerOperation, commandCall, type RouteDeps } from './answer.ts'
import { replayOf } from './replay.ts'
import { accepted, lastSuccessfulBody, release, rollbackBody, upgradeBody, upgradePreview } from './schemas.ts'

const outcome = (deps: RouteDeps, call: Call, operationId: string) =>
  answerOperation(deps, call, operationId, () => outcomeOf(deps, call.principal, operationId))

export const upgradeRelease = (deps: RouteDeps) =>
  route({
    method: 'POST',
    url: '/api/v1/helm/releases/:id/upgrade',
    operationId: 'upgradeRelease',
    tags: ['releases'],
    summary: 'Upgrade a release to a chart version, to other values, or both',
    permission: { action: 'release.upgrade', scope: 'tenant', dryRun: 'release.preview' },
    schema: {
      params: idParams,
      query: z.strictObject({
        dryRun: queryBoolean().optional().describe('Answer what would change; change nothing.'),
      }),
      body: upgradeBody,
      responses: {
        200: {
          description: 'The upgraded release; with `dryRun` the diff',
          schema: z.union([release, upgradePreview]),
        },
        202: accepted,
      },
    },
    idempotency: { replay: replayOf(deps, 200) },
    handler: async (call) => {
      const { params, query, body } = call
      const given = commandCall(call, body.reason)
      if (query.dryRun === true) return previewUpgrade(deps, given, params.id, body)
      const { ifDiffHash } = body
      const check: UpgradeCheck | undefined =
        ifDiffHash === undefined ? undefined : (prepared) => requireDiff(deps, prepared, body, ifDiffHash)
      return outcome(deps, call, await upgrade(deps, given, params.id, body, check))
    },
  })

const rollbackQuery = z.strictObject({
  cancelExecution: queryBoolean()
    .optional()
    .describe('Also cancel the upgrade execution that holds the release, at once; without one it means nothing.'),
})

export const rollbackRelease = (deps: RouteDeps) =>
  route({
    method: 'POST',
    url: '/api/v1/helm/releases/:id/rollback',
    operationId: 'rollbackRelease',
    tags: ['releases'],
    summary: 'Roll a release back to an earlier revision',
    description: 'A rollback is a new revision with the values and the chart version of its target.',
    permission: { action: 'release.rollback', scope: 'tenant' },
    schema: {
      params: idParams,
      query: rollbackQuery,
      body: rollbackBody,
      responses: { 200: { description: 'The release, rolled back', schema: release }, 202: accepted },
    },
    idempotency: { replay: replayOf(deps, 200) },
    handler: async (call) => {
      const { params, body, query } = call
      return outcome(deps, call, await rollback(deps, commandCall(call, body.reason), params.id, body, query))
    },
  })

export const rollbackToLast = (deps: RouteDeps) =>
  route({
    method: 'POST',
    url: '/api/v1/helm/releases/:id/rollback/last-successful',
    operationId: 'rollbackReleaseToLastSuccessful',
    tags: ['releases'],
    summary: 'Roll a release back to the newest earlier revision that ended DEPLOYED',
    permission: { action: 'release.rollback', scope: 'tenant' },
    schema: {
      params: idParams,
      query: rollbackQuery,
      body: lastSuccessfulBody,
      responses: { 200: { description: 'The release, rolled back', schema: release }, 202: accepted },
    },
    idempotency: { replay: replayOf(deps, 200) },
    handler: async (call) => {
      const { params, body, query } = call
      const given = commandCall(call, body.reason)
      return outcome(deps, call, await rollbackToLastSuccessful(deps, given, params.id, body, query))
    },
  })

export const uninstallRelease = (deps: RouteDeps) =>
  route({
    method: 'DELETE',
    url: '/api/v1/helm/releases/:id',
    operationId: 'uninstallRelease',
    tags: ['releases'],
    summary: 'Uninstall a release; its record and history stay',
    permission: { action: 'release.uninstall', scope: 'tenant' },
    schema: {
      params: idParams,
      query: z.strictObject({
        reason: queryText(500).optional(),
        timeout: queryInteger(1, 86_400).optional().describe('Seconds for hooks and objects to go; default 300.'),
        hooks: queryBoolean()
          .optional()
          .describe(
            '`false` runs no hooks of the chart, as `helm uninstall --no-hooks` does: for one that fails every time.',
          ),
      }),
      responses: { 200: { description: 'The release, uninstalled', schema: release }, 202: accepted },
    },
    idempotency: { replay: replayOf(deps, 200) },
    handler: async (call) => {
      const { params, query } = call
      return outcome(deps, call, await uninstall(deps, commandCall(call, query.reason), params.id, query))
    },
  })
