import { route } from '../../infra/http/route.ts'
import { install } from '../commands/install.ts'
import { outcomeOf } from '../commands/operations.ts'
import { answerOperation, commandCall, type RouteDeps } from './answer.ts'
import { replayOf } from './replay.ts'
import { accepted, installBody, release } from './schemas.ts'

export const installRelease = (deps: RouteDeps) =>
  route({
    method: 'POST',
    url: '/api/v1/helm/releases',
    operationId: 'installRelease',
    tags: ['releases'],
    summary: 'Install a chart as a release of a tenant',
    description:
      'Answers when the release is DEPLOYED or has failed (422); with `Prefer: respond-async` at once with 202. ' +
      'The chart is resolved and rendered before anything is accepted.',
    permission: { action: 'release.install', scope: 'tenant' },
    schema: {
      body: installBody,
      responses: {
        201: { description: 'Installed', schema: release, headers: { Location: 'The release' } },
        202: accepted,
      },
    },
    idempotency: { replay: replayOf(deps, 201) },
    handler: async (call) => {
      const { releaseId, operationId } = await install(deps, commandCall(call, call.body.reason), call.body)
      return answerOperation(deps, call, operationId, async () => {
        const installed = await outcomeOf(deps, call.principal, operationId)
        call.reply.code(201).header('location', `/api/v1/helm/releases/${releaseId}`)
        return installed
      })
    },
  })
