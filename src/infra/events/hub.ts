import type { Subject } from '../../core/subject.ts'
import type { Listener } from '../database/listen.ts'
import type { Db } from '../database/types.ts'
import { createNudge } from '../nudge.ts'
import { listEvents, type StoredEvent, topicOf } from './events.ts'

/** Streams the events of a subject as they are committed, for SSE. */
export type EventHub = {
  /**
   * Every event of the subject after the number, in order, each once, and then those to come, until the signal is
   * aborted. `afterSeq` is the `Last-Event-ID` of a client that comes back. Throws when the database does not answer:
   * the client comes back with the last number it saw.
   */
  subscribe(subject: Subject, afterSeq: number, signal: AbortSignal): AsyncIterable<StoredEvent>
}

const pageSize = 200

/**
 * A notification only says when to read. What is sent comes from the table, on from the last number sent, so nothing
 * is skipped when notifications are lost; without any it reads every `pollMs`.
 */
export function createEventHub(db: Db, listener: Pick<Listener, 'on'>, pollMs = 1_000): EventHub {
  return { subscribe: (subject, afterSeq, signal) => follow({ db, listener, pollMs }, subject, { afterSeq, signal }) }
}

type Sources = { readonly db: Db; readonly listener: Pick<Listener, 'on'>; readonly pollMs: number }
type From = { readonly afterSeq: number; readonly signal: AbortSignal }

async function* follow({ db, listener, pollMs }: Sources, subject: Subject, { afterSeq, signal }: From) {
  const nudge = createNudge()
  const topic = topicOf(subject)
  const off = listener.on('events', (told) => {
    if (told === null || told === topic) nudge.now()
  })
  signal.addEventListener('abort', nudge.now, { once: true })
  try {
    for (let last = afterSeq; !signal.aborted; ) {
      const page = await listEvents(db, subject, last, pageSize)
      for (const event of page) {
        if (signal.aborted) return
        yield event
        last = event.seq
      }
      if (page.length < pageSize) await nudge.wait(pollMs)
    }
  } finally {
    off()
    signal.removeEventListener('abort', nudge.now)
  }
}
