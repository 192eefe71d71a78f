import { z } from 'zod'
import type { Principal, Subject, Uuid } from '../core/subject.ts'
import type { Db } from '../infra/database/types.ts'
import {
  countFeed,
  type FeedFilter,
  feedOrders,
  listFeed,
  readHead,
  feedEventView as view,
} from '../infra/events/feed.ts'
import type { EventFeed } from '../infra/events/feed-stream.ts'
import { lastSeen, storedEvent } from '../infra/http/event-routes.ts'
import { eventStream, type StreamCall, wantsEventStream } from '../infra/http/event-stream.ts'
import { sendList } from '../infra/http/page.ts'
import { pageQuery, queryText } from '../infra/http/query.ts'
import { type FeatureRoutes, route } from '../infra/http/route.ts'
import { uuid } from '../infra/http/schemas.ts'

/** What the one stream needs of the features whose events it shows; each throws `not_found` as its own routes do. */
export type ActivityPorts = {
  requireTenant(principal: Principal, id: Uuid): Promise<void>
  requireRelease(principal: Principal, id: Uuid): Promise<void>
  requireExecution(principal: Principal, id: Uuid): Promise<void>
}

export type ActivityDeps = { readonly db: Db; readonly feed: EventFeed; readonly ports: ActivityPorts }

const feedEvent = storedEvent
  .extend({
    position: z.int().describe('Its place in the order over all subjects; what `Last-Event-ID` takes.'),
    subject: z.strictObject({
      kind: z.enum(['release', 'execution', 'batch', 'component', 'cluster', 'sink']),
      id: uuid,
    }),
    tenantId: uuid.nullable(),
  })
  .meta({ id: 'FeedEvent' })

const filterQuery = {
  tenantId: uuid.optional(),
  releaseId: uuid.optional(),
  executionId: uuid.optional(),
  type: queryText(100).optional().describe('A type, or its beginning up to a dot: `release.upgrade`.'),
  q: queryText().optional().describe('Part of the type.'),
}

type Asked = { readonly [K in keyof typeof filterQuery]?: string | undefined }

/** The one stream of all that a caller may see (SPEC section 1). */
export function activityRoutes(deps: ActivityDeps): FeatureRoutes {
  return [getEvents(deps)]
}

const getEvents = (deps: ActivityDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/events',
    operationId: 'listEvents',
    tags: ['events'],
    summary: 'All events that the caller may see, in one order, as a list or as a stream',
    description:
      'With `Accept: text/event-stream` it streams: everything behind `Last-Event-ID`, or from the beginning without it, ' +
      'and then what is to come; one beyond the last event, from another installation or before a restore, is 400. The order is the same for every reader, and that of each release or execution within it; ' +
      'an event is there once it has a position, and then nothing comes to stand before it. To begin with now, take the ' +
      'position of `?limit=1`.',
    permission: { scope: 'tenant', action: 'event.read' },
    schema: {
      query: z.strictObject({
        ...pageQuery,
        ...filterQuery,
        sort: z.enum(feedOrders).optional().describe('`-` is the newest first, as it is unless told.'),
      }),
      responses: { 200: { description: 'Events', schema: z.array(feedEvent), streams: true } },
    },
    handler: async (call) => {
      const { principal, query } = call
      const filter = await filterOf(deps.ports, principal, query)
      if (wantsEventStream(call.request.headers.accept)) return streamFeed(deps, call, filter)
      const order = query.sort ?? '-position'
      return sendList(call, {
        total: () => countFeed(deps.db, principal, filter),
        rows: (after: number | null, limit) => listFeed(deps.db, principal, filter, { after, limit, order }),
        position: (event) => event.position,
        present: view,
      })
    },
  })

/** Every id is looked up through the caller's tenants first: that of another tenant is 404, not an empty list. */
async function filterOf(ports: ActivityPorts, principal: Principal, asked: Asked): Promise<FeedFilter> {
  const { tenantId, releaseId, executionId, type, q } = asked
  const subjects: Subject[] = []
  if (tenantId !== undefined) await ports.requireTenant(principal, tenantId)
  if (releaseId !== undefined) {
    await ports.requireRelease(principal, releaseId)
    subjects.push({ kind: 'release', id: releaseId })
  }
  if (executionId !== undefined) {
    await ports.requireExecution(principal, executionId)
    subjects.push({ kind: 'execution', id: executionId })
  }
  return { tenantId, subjects, type, q }
}

async function streamFeed({ db, feed }: ActivityDeps, call: StreamCall, filter: FeedFilter) {
  const after = await lastSeen(call, () => readHead(db))
  return eventStream(call, async function* (signal) {
    for await (const event of feed.subscribe(call.principal, filter, after, signal)) {
      yield { id: String(event.position), event: event.type, data: view(event) }
    }
  })
}
