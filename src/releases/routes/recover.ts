import { z } from 'zod'
import { Problem } from '../../core/problems.ts'
import { route } from '../../infra/http/route.ts'
import { idParams } from '../../infra/http/schemas.ts'
import { visibleRelease } from '../commands/context.ts'
import { readRelease } from '../commands/reads.ts'
import { recover } from '../commands/recover.ts'
import { answerOperation, commandCall, type RouteDeps } from './answer.ts'
import { accepted, recoverBody, release } from './schemas.ts'

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
    handler: async (call) => {
      const { params, body, principal } = call
      if (body.force === true && body.dryRun !== true) call.require('release.recover-forced')
      const wanted = { force: body.force ?? false, dryRun: body.dryRun ?? false }
      const done = await recover(deps, commandCall(call, body.reason), params.id, wanted)
      const answer = async () => ({ ...done, release: await readRelease(deps, principal, params.id) })
      return done.operationId === null ? answer() : answerOperation(deps, call, done.operationId, answer)
    },
  })

export const unfreezeRelease = (deps: RouteDeps) =>
  route({
    method: 'POST',
    url: '/api/v1/helm/releases/:id/unfreeze',
    operationId: 'unfreezeRelease',
    tags: ['releases'],
    summary: 'End the freeze of a release that runs two versions',
    permission: { action: 'release.unfreeze', scope: 'tenant' },
    schema: {
      params: idParams,
      query: z.strictObject({ to: z.enum(['target', 'previous']) }),
      responses: { 200: { description: 'The release', schema: release } },
    },
    handler: async ({ params, principal }) => {
      const { release: found } = await visibleRelease(deps, principal, params.id)
      throw new Problem('not_frozen', `release ${found.id} is not frozen`, { extra: { releaseStatus: found.status } })
    },
  })
