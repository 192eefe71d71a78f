import { z } from 'zod'
import { malformed } from '../../core/problems.ts'
import type { Subject } from '../../core/subject.ts'
import type { Db } from '../database/types.ts'
import { listEvents, type StoredEvent } from '../events/events.ts'
import type { EventHub } from '../events/hub.ts'
import { eventStream, lastEventId, type StreamCall, wantsEventStream } from './event-stream.ts'
import { type ListCall, sendList } from './page.ts'
import { time } from './schemas.ts'

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
    description: 'Events, oldest first; with `Accept: text/event-stream` a stream that goes on behind `Last-Event-ID`',
    schema: z.array(event),
  },
}

type EventCall = ListCall & StreamCall

/** Answers with the wanted events of a subject, as a list or as a stream. The caller must be allowed to see them. */
export function answerEvents(
  sources: EventSources,
  call: EventCall,
  subject: Subject,
  wanted: (event: StoredEvent) => boolean = () => true,
) {
  if (wantsEventStream(call.request.headers.accept)) return streamEvents(sources, call, subject, wanted)
  return sendList(call, {
    rows: (after: number | null, limit) => wantedFrom(sources.db, subject, wanted, after ?? 0, limit),
    position: (stored) => stored.seq,
    present: view,
  })
}

/** Reads on until a page is full of wanted events, or there are no more. */
async function wantedFrom(
  db: Db,
  subject: Subject,
  wanted: (event: StoredEvent) => boolean,
  after: number,
  limit: number,
): Promise<readonly StoredEvent[]> {
  const found: StoredEvent[] = []
  for (let last = after; found.length < limit; ) {
    const events = await listEvents(db, subject, last, limit)
    found.push(...events.filter(wanted).slice(0, limit - found.length))
    if (events.length < limit) break
    last = events.at(-1)?.seq ?? last
  }
  return found
}

function streamEvents(
  { hub }: EventSources,
  call: StreamCall,
  subject: Subject,
  wanted: (event: StoredEvent) => boolean,
) {
  const after = lastEventNumber(call)
  return eventStream(call, async function* (signal) {
    for await (const stored of hub.subscribe(subject, after, signal)) {
      if (wanted(stored)) yield { id: String(stored.seq), event: stored.type, data: view(stored) }
    }
  })
}

/** The number in `Last-Event-ID`; 0 without one. Throws `malformed` for what is no number of an event. */
export function lastEventNumber(call: Pick<StreamCall, 'request'>): number {
  const id = lastEventId(call)
  if (id === null) return 0
  if (!/^\d{1,15}$/.test(id)) throw malformed('header/Last-Event-ID', 'must be the id of an event of this stream')
  return Number(id)
}

function view({ id, seq, type, at, data }: StoredEvent) {
  return { id, seq, type, at: new Date(at).toISOString(), data }
}
