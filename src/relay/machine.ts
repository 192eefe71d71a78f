import { type Clock, seconds } from '../core/instant.ts'
import { type Pauses, pauseAfter } from '../core/pauses.ts'
import type { Db } from '../infra/database/types.ts'
import { type ActContext, fenced, type Machine } from '../infra/engine/index.ts'
import { type FeedEvent, feedEventView, readKinds } from '../infra/events/feed.ts'
import type { Log } from '../infra/log.ts'
import { actMs, decideRelay, type Relay, type RelayAct, type RelayObservation } from './core/decide.ts'
import type { Message } from './core/message.ts'
import { type Published, publishInOrder } from './core/publish.ts'
import { type Topic, topicOf } from './core/topics.ts'
import { loadRelay, updateRelay } from './store/relays.ts'

export type RelayMachine = Machine<Relay, never, RelayObservation, RelayAct>

/**
 * Sends messages together, all to one topic, and resolves with what the broker says; some may have been taken although it
 * failed. Never rejects.
 */
export type Publish = (topic: string, messages: readonly Message[], signal: AbortSignal) => Promise<Published>

export type RelayParts = {
  readonly db: Db
  readonly clock: Clock
  readonly log: Log
  readonly publish: Publish
  /** Aborted when the process stops: nobody waits for a broker then, another worker sends again. */
  readonly stopping: AbortSignal
  /** So many events go together; for tests. */
  readonly pageSize?: number
  readonly retry?: Pauses
}

const page = 200
/** How long a topic is left alone that the broker does not take. */
const retryPauses: Pauses = { firstMs: seconds(1), longestMs: seconds(30) }

/**
 * The machine of topics. One worker at a time fills a topic, from the feed, which has all events in one order; how far it
 * came is committed after the broker has taken them. So each event is sent at least once, and for the first time in the
 * order of its subject, whoever is killed when (docs/adr/0039).
 */
export function relayMachine(parts: RelayParts): RelayMachine {
  const { db } = parts
  return {
    kind: 'relay',
    decide: decideRelay,
    load: loadRelay,
    save: async () => {},
    mustAbort: () => false,
    observe: async ({ id, position }) => {
      const topic = topicOf(id)
      return { isBehind: topic !== null && (await readKinds(db, topic.kinds, position, 1)).length > 0 }
    },
    acts: { publish: (_, context) => publishAll(parts, context) },
  }
}

/** Sends page after page until nothing is left, the broker takes no more, or it is somebody else's turn. */
async function publishAll(parts: RelayParts, context: ActContext): Promise<void> {
  const { db, clock, pageSize = page } = parts
  const { id } = context.lease.subject
  const topic = topicOf(id)
  const signal = AbortSignal.any([context.signal, parts.stopping])
  const until = clock.now() + actMs
  let row = await loadRelay(db, id)
  while (topic !== null && row !== null && !signal.aborted && clock.now() < until) {
    const events = await readKinds(db, topic.kinds, row.position, pageSize)
    if (events.length === 0) return
    const next = await publishPage(parts, { topic, row, events, signal })
    // What was broken off because the worker stops or has lost its lease counts as no try.
    if (signal.aborted && next.failures > 0) return
    await fenced(db, context.lease, (tx) => updateRelay(tx, next))
    row = next
    if (next.failures > 0) return
  }
}

type Page = {
  readonly topic: Topic
  readonly row: Relay
  readonly events: readonly FeedEvent[]
  readonly signal: AbortSignal
}

async function publishPage(
  { clock, log, publish, retry = retryPauses }: RelayParts,
  { topic, row, events, signal }: Page,
): Promise<Relay> {
  const told = events.map(feedEventView)
  const { taken, failed } = await publishInOrder(told, (messages) => publish(topic.name, messages, signal))
  const position = events[taken - 1]?.position ?? row.position
  if (failed === null) {
    if (row.failures > 0) log.info({ topic: topic.name }, 'the broker takes events again')
    return { ...row, position, failures: 0, retryAt: null }
  }
  const failures = row.failures + 1
  if (failures === 1 && !signal.aborted)
    log.warn({ topic: topic.name, why: failed }, 'events wait for the broker; none is lost')
  return { ...row, position, failures, retryAt: clock.now() + pauseAfter(retry, failures) }
}
