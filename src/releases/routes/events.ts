import type { Subject } from '../../core/subject.ts'
import type { EventHub } from '../../infra/events/hub.ts'
import { answerEvents, eventQuery, eventResponses } from '../../infra/http/event-routes.ts'
import { route } from '../../infra/http/route.ts'
import { idParams } from '../../infra/http/schemas.ts'
import { visibleRelease } from '../commands/context.ts'
import { readOperation } from '../commands/operations.ts'
import type { RouteDeps } from './answer.ts'

export type EventDeps = RouteDeps & { readonly hub: EventHub }

const shape = { params: idParams, query: eventQuery, responses: eventResponses }

export const ofRelease = (deps: EventDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/helm/releases/:id/events',
    operationId: 'listReleaseEvents',
    tags: ['releases'],
    summary: 'Events of a release, as a list or as a stream',
    permission: { action: 'release.read', scope: 'tenant' },
    schema: shape,
    handler: async (call) => {
      await visibleRelease(deps, call.principal, call.params.id)
      return answerEvents(deps, call, { kind: 'release', id: call.params.id })
    },
  })

export const ofOperation = (deps: EventDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/operations/:id/events',
    operationId: 'listOperationEvents',
    tags: ['operations'],
    summary: 'Events of an operation, as a list or as a stream',
    permission: { action: 'operation.read', scope: 'tenant' },
    schema: shape,
    handler: async (call) => {
      const { id } = call.params
      const operation = await readOperation(deps, call.principal, id)
      const subject: Subject =
        operation.release_id === null ? { kind: 'batch', id } : { kind: 'release', id: operation.release_id }
      return answerEvents(deps, call, subject, id)
    },
  })
