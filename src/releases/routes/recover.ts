import { z } from 'zod'
import { type Call, route } from '../../infra/http/route.ts'
import { idParams } from '../../infra/http/schemas.ts'
import { outcomeOf } from '../commands/operations.ts'
import { readRelease } from '../commands/reads.ts'
import { recover, settling } from '../commands/recover.ts'
import { unfreeze } from '../commands/unfreeze.ts'
import { answerOperation, commandCall, type RouteDeps } from './answer.ts'
import { replayOf } from './replay.ts'
import { accepted, recoverBody, release, unfreezeBody } from './schemas.ts'

const recovery = z
  .strictObject({
    action: z.enum(['none', 'settle']),
    detail: z.string(),
    operationId: z.uuid().nullable(),
    release,
  })
  .meta({ id: 'Recovery' })

export const recoverRelease = (deps: RouteDeps) =>
  route({
    method: 'POST',
    url: '/api/v1/helm/releases/:id/recover',
    operationId: 'recoverRelease',
    tags: ['releases'],
    summary: 'Settle a revision that is stuck pending',
    description:
      'What an operation of Flotilla left pending settles by itself. What another hand left pending is settled only ' +
      'with `{"force": true}`, by a platform admin: be sure that its helm no longer runs.',
    permission: { action: 'release.recover', scope: 'tenant', dryRun: 'release.preview' },
    schema: {
      params: idParams,
      body: recoverBody,
      responses: {
        200: { description: 'What was done, or would be', schema: recovery },
        202: accepted,
      },
    },
    idempotency: { replay: (call, operationId) => answerSettling(deps, call, call.params.id, operationId) },
    handler: async (call) => {
      const { params, body, principal } = call
      if (body.force === true && body.dryRun !== true) call.require('release.recover-forced')
      const wanted = { force: body.force ?? false, dryRun: body.dryRun ?? false }
      const done = await recover(deps, commandCall(call, body.reason), params.id, wanted)
      if (done.operationId !== null) return answerSettling(deps, call, params.id, done.operationId)
      return { ...done, release: await readRelease(deps, principal, params.id) }
    },
  })

function answerSettling(deps: RouteDeps, call: Call, releaseId: string, operationId: string) {
  return answerOperation(deps, call, operationId, async () => ({
    ...settling(operationId),
    release: await readRelease(deps, call.principal, releaseId),
  }))
}

export const unfreezeRelease = (deps: RouteDeps) =>
  route({
    method: 'POST',
    url: '/api/v1/helm/releases/:id/unfreeze',
    operationId: 'unfreezeRelease',
    tags: ['releases'],
    summary: 'End the freeze of a release that runs two versions',
    description:
      '`target` goes on to the version that the upgrade execution gave up on, with its values; `previous` goes back to ' +
      'the newest revision before it that ended DEPLOYED. Workloads that another hand has scaled meanwhile keep their ' +
      'size. Answers when all instances are ready.',
    permission: { action: 'release.unfreeze', scope: 'tenant' },
    schema: {
      params: idParams,
      query: z.strictObject({ to: z.enum(['target', 'previous']) }),
      body: unfreezeBody,
      responses: { 200: { description: 'The release, in one version', schema: release }, 202: accepted },
    },
    idempotency: { replay: replayOf(deps, 200) },
    handler: async (call) => {
      const { params, query, body, principal } = call
      const operationId = await unfreeze(deps, commandCall(call, body.reason), params.id, query.to, body)
      return answerOperation(deps, call, operationId, () => outcomeOf(deps, principal, operationId))
    },
  })
