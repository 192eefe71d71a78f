import { z } from 'zod'
import { malformed } from '../../core/problems.ts'
import type { Subject } from '../../core/subject.ts'
import { listEvents, type StoredEvent } from '../../infra/events/events.ts'
import type { EventHub } from '../../infra/events/hub.ts'
import { eventStream, lastEventId, type StreamCall, wantsEventStream } from '../../infra/http/event-stream.ts'
import { type ListCall, sendList } from '../../infra/http/page.ts'
import { pageQuery } from '../../infra/http/query.ts'
import { route } from '../../infra/http/route.ts'
import { idParams, time } from '../../infra/http/schemas.ts'
import { visibleRelease } from '../commands/context.ts'
import { readOperation } from '../commands/operations.ts'
import type { RouteDeps } from './answer.ts'

export type EventDeps = RouteDeps & { readonly hub: EventHub }

const event = z
  .strictObject({ id: z.uuid(), seq: z.int(), type: z.string(), at: time, data: z.record(z.string(), z.unknown()) })
  .meta({ id: 'Event' })

const shape = {
  params: idParams,
  query: z.strictObject(pageQuery),
  responses: {
    200: {
      description:
        'Events, oldest first; with `Accept: text/event-stream` a stream that goes on behind `Last-Event-ID`',
      schema: z.array(event),
    },
  },
}

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
      return answerEvents(deps, call, { kind: 'release', id: call.params.id }, () => true)
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
      const mine = (stored: StoredEvent) => stored.data.operationId === id
      return answerEvents(deps, call, subject, mine)
    },
  })

type EventCall = ListCall & StreamCall

function answerEvents(deps: EventDeps, call: EventCall, subject: Subject, wanted: (event: StoredEvent) => boolean) {
  if (wantsEventStream(call.request.headers.accept)) return streamEvents(deps, call, subject, wanted)
  return sendList(call, {
    rows: (after: number | null, limit) => wantedFrom(deps, subject, wanted, after ?? 0, limit),
    position: (stored) => stored.seq,
    present: view,
  })
}

/** Reads on until a page is full of wanted events, or there are no more. */
async function wantedFrom(
  deps: EventDeps,
  subject: Subject,
  wanted: (event: StoredEvent) => boolean,
  after: number,
  limit: number,
): Promise<readonly StoredEvent[]> {
  const found: StoredEvent[] = []
  for (let last = after; found.length < limit; ) {
    const events = await listEvents(deps.db, subject, last, limit)
    found.push(...events.filter(wanted).slice(0, limit - found.length))
    if (events.length < limit) break
    last = events.at(-1)?.seq ?? last
  }
  return found
}

function streamEvents(deps: EventDeps, call: StreamCall, subject: Subject, wanted: (event: StoredEvent) => boolean) {
  const after = seqOf(lastEventId(call))
  return eventStream(call, async function* (signal) {
    for await (const stored of deps.hub.subscribe(subject, after, signal)) {
      if (wanted(stored)) yield { id: String(stored.seq), event: stored.type, data: view(stored) }
    }
  })
}

function seqOf(id: string | null): number {
  if (id === null) return 0
  if (!/^\d{1,15}$/.test(id)) throw malformed('header/Last-Event-ID', 'must be the id of an event of this stream')
  return Number(id)
}

function view({ id, seq, type, at, data }: StoredEvent) {
  return { id, seq, type, at: new Date(at).toISOString(), data }
}
