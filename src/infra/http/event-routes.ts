import { z } from 'zod'
import { malformed } from '../../core/problems.ts'
import type { Subject, Uuid } from '../../core/subject.ts'
import type { Db } from '../database/types.ts'
import {
  countEvents,
  type EventFilter,
  eventOrders,
  isWanted,
  lastSeq,
  pageEvents,
  type StoredEvent,
} from '../events/events.ts'
import type { EventHub } from '../events/hub.ts'
import { eventStream, lastEventId, type StreamCall, wantsEventStream } from './event-stream.ts'
import { type ListCall, sendList } from './page.ts'
import { pageQuery, querySort, queryText } from './query.ts'
import { time } from './schemas.ts'
import { rfc3339 } from './time.ts'

/** Where events are read from, and how those to come are followed. */
export type EventSources = { readonly db: Db; readonly hub: EventHub }

/** What an event shows wherever it is read. */
export const storedEvent = z.strictObject({
  id: z.uuid(),
  seq: z.int().describe('Counts the events of its subject.'),
  type: z.string(),
  at: time,
  data: z.record(z.string(), z.unknown()),
})
const event = storedEvent.meta({ id: 'Event' })

/** What a route of events answers. */
export const eventResponses = {
  200: {
    description:
      'Events, newest first; with `Accept: text/event-stream` a stream, oldest first, that goes on behind `Last-Event-ID`',
    schema: z.array(event),
    streams: true,
  },
}

/** What every route of events of one subject takes. */
export const eventQuery = z.strictObject({
  ...pageQuery,
  q: queryText().optional().describe('Part of the type.'),
  sort: querySort(eventOrders, 'newest first'),
})

type EventCall = StreamCall & Pick<ListCall, 'request' | 'reply'> & { readonly query: z.output<typeof eventQuery> }

/**
 * Answers with the events of a subject, as a list or as a stream; of one operation, where that is given. The caller must
 * be allowed to see them.
 */
export function answerEvents({ db, hub }: EventSources, call: EventCall, subject: Subject, operationId?: Uuid) {
  const { q, sort: order = '-seq' } = call.query
  const filter = { q, ...(operationId === undefined ? {} : { operationId }) }
  if (wantsEventStream(call.request.headers.accept)) return streamEvents({ db, hub }, call, subject, filter)
  return sendList(call, {
    total: () => countEvents(db, subject, filter),
    rows: (after: number | null, limit) => pageEvents(db, subject, filter, { after, limit, order }),
    position: (stored) => stored.seq,
    present: view,
  })
}

async function streamEvents({ db, hub }: EventSources, call: StreamCall, subject: Subject, filter: EventFilter) {
  const after = await lastSeen(call, () => lastSeq(db, subject))
  return eventStream(call, async function* (signal) {
    for await (const stored of hub.subscribe(subject, after, signal)) {
      if (isWanted(stored, filter)) yield { id: String(stored.seq), event: stored.type, data: view(stored) }
    }
  })
}

/**
 * The number in `Last-Event-ID`; 0 without one. Throws `malformed` for what is no number of an event, and for one beyond
 * the last: it comes from another installation or from before a restore, and a stream behind it would stay silent.
 */
export async function lastSeen(call: Pick<StreamCall, 'request'>, last: () => Promise<number>): Promise<number> {
  const id = lastEventId(call)
  if (id === null) return 0
  if (!/^\d{1,15}$/.test(id)) throw malformed(lastEventIdField, 'must be the id of an event of this stream')
  if (Number(id) > (await last()))
    throw malformed(lastEventIdField, 'is beyond the last event of this stream: begin without it')
  return Number(id)
}

const lastEventIdField = 'header/Last-Event-ID'

function view({ id, seq, type, at, data }: StoredEvent) {
  return { id, seq, type, at: rfc3339(at), data }
}
