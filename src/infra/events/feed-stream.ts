import type { Listener } from '../database/listen.ts'
import type { Db } from '../database/types.ts'
import type { Log } from '../log.ts'
import { createNudge, type Nudge } from '../nudge.ts'
import {
  type FeedEvent,
  type FeedFilter,
  type JudgedEvent,
  judge,
  listFeed,
  type Reader,
  readFeed,
  readHead,
} from './feed.ts'

/** Streams the events of a reader as they get their place. */
export type EventFeed = {
  /**
   * Every wanted event behind the place, in order, each once, and then those to come, until the signal is aborted.
   * Throws when the database does not answer: the client comes back with the last place that it saw.
   */
  subscribe(reader: Reader, filter: FeedFilter, after: number, signal: AbortSignal): AsyncIterable<FeedEvent>
}

const pageSize = 200
/** A reader is woken when something is new; that it looks by itself is only for a nudge that got lost. */
const idleMs = 60_000

/**
 * However many read, what is new is read from the database once, and each takes from it what they may see and want. Only
 * who comes from further back asks by themselves. Without notifications it looks every `pollMs`.
 */
export function createEventFeed(db: Db, listener: Pick<Listener, 'on'>, log: Log, pollMs = 1_000): EventFeed {
  const tail = new Tail(db, log, pollMs)
  listener.on('events_numbered', () => tail.look())
  return {
    async *subscribe(reader, filter, after, signal) {
      const nudge = createNudge()
      const leave = tail.follow(nudge)
      const isWanted = judge(reader, filter)
      signal.addEventListener('abort', nudge.now, { once: true })
      try {
        for (let last = after; !signal.aborted; ) {
          const upTo = tail.place
          if (upTo <= last) await nudge.wait(idleMs)
          if (upTo <= last) continue
          const recent = tail.behind(last)
          const page = recent?.filter(isWanted).map(({ event }) => event) ?? (await pageBehind(last))
          for (const event of page) {
            if (signal.aborted) return
            yield event
            last = event.position
          }
          // Everything up to the place is there for who asks now: what is not wanted is not looked at again.
          if (recent !== null || page.length < pageSize) last = Math.max(last, upTo)
        }
      } finally {
        leave()
        signal.removeEventListener('abort', nudge.now)
      }
      function pageBehind(last: number) {
        return listFeed(db, reader, filter, { after: last, limit: pageSize, order: 'position' })
      }
    },
  }
}

/** So many events are kept for those who follow: who is further behind reads the database. */
const kept = 2_000

/** The newest events as this process knows them, kept fresh while somebody follows. */
class Tail {
  /** Up to where everything is known. */
  place = 0
  /** Behind where `#recent` begins. */
  #from = 0
  #recent: readonly JudgedEvent[] = []
  readonly #db: Db
  readonly #log: Log
  readonly #pollMs: number
  readonly #followers = new Set<Nudge>()
  readonly #due = createNudge()
  #running = false

  constructor(db: Db, log: Log, pollMs: number) {
    this.#db = db
    this.#log = log
    this.#pollMs = pollMs
  }

  look(): void {
    this.#due.now()
  }

  /** Every event behind a place, up to `place`; null when they are not all kept. */
  behind(after: number): readonly JudgedEvent[] | null {
    if (after < this.#from) return null
    return this.#recent.slice(this.#recent.findLastIndex(({ event }) => event.position <= after) + 1)
  }

  /** Nudges whenever something is new. Returns what ends it. */
  follow(nudge: Nudge): () => void {
    this.#followers.add(nudge)
    this.look()
    if (!this.#running) void this.#run()
    return () => {
      this.#followers.delete(nudge)
      if (this.#followers.size === 0) this.look()
    }
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#followers.size > 0) {
      await this.#read().catch((error: unknown) =>
        this.#log.warn({ error: String(error) }, 'The newest events could not be read'),
      )
      if (this.#followers.size > 0) await this.#due.wait(this.#pollMs)
    }
    this.#running = false
  }

  async #read(): Promise<void> {
    const found = this.place === 0 ? [] : await readFeed(this.#db, this.place, kept)
    const last = found.at(-1)
    if (last !== undefined && found.length < kept) this.#append(found, last.event.position)
    else if (this.place === 0 || last !== undefined) this.#begin(await readHead(this.#db))
  }

  #append(found: readonly JudgedEvent[], place: number): void {
    const all = [...this.#recent, ...found]
    const dropped = all.slice(0, -kept).at(-1)
    this.#recent = all.slice(-kept)
    this.#from = dropped?.event.position ?? this.#from
    this.#moved(place)
  }

  /** There is more than is kept, or nothing is known yet: it begins anew at the head. */
  #begin(head: number): void {
    if (head === this.place) return
    this.#recent = []
    this.#from = head
    this.#moved(head)
  }

  #moved(place: number): void {
    this.place = place
    for (const follower of this.#followers) follower.now()
  }
}
