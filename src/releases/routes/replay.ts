import type { Call } from '../../infra/http/route.ts'
import { outcomeOf } from '../commands/operations.ts'
import { answerOperation, type RouteDeps } from './answer.ts'

/** Answers the replay of a command from the operation that the first request made. */
export function replayOf(deps: RouteDeps, status: 200 | 201) {
  return (call: Call, operationId: string) =>
    answerOperation(deps, call, operationId, async () => {
      const release = await outcomeOf(deps, call.principal, operationId)
      call.reply.code(status)
      if (status === 201) call.reply.header('location', `/api/v1/helm/releases/${release.id}`)
      return release
    })
}
