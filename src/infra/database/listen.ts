import { Client } from 'pg'
import type { Log } from '../log.ts'

/** Called with a notification's payload, and with null when some may have been missed: look for yourself then. */
export type OnNotify = (payload: string | null) => void

/** One connection that listens for all of a process. */
export type Listener = {
  /** Calls back on each notification of a channel; returns what ends it. */
  on(channel: Channel, notify: OnNotify): () => void
  close(): Promise<void>
}

/**
 * Channels: `work_due` (payload: kind), `operation_ended` (payload: operation id), `events` (payload: kind:id),
 * `events_numbered` (no payload: events have got their place in the feed).
 */
export const channels = ['work_due', 'operation_ended', 'events', 'events_numbered'] as const
export type Channel = (typeof channels)[number]

const firstWaitMs = 100
const longestWaitMs = 5_000

/**
 * Listens on every channel, over a connection that is made again, with growing pauses, whenever it breaks.
 * Notifications are hints: PostgreSQL keeps none for who was away, so whoever waits must also look by itself.
 */
export function openListener(url: string, log: Log): Listener {
  const handlers = new Map<Channel, Set<OnNotify>>(channels.map((channel) => [channel, new Set<OnNotify>()]))
  const tell = (channel: string, payload: string | null) => {
    for (const notify of handlers.get(channel as Channel) ?? []) notify(payload)
  }
  const connection = keepConnected(url, log, tell)
  return {
    on(channel, notify) {
      handlers.get(channel)?.add(notify)
      return () => handlers.get(channel)?.delete(notify)
    },
    close: connection.close,
  }
}

type Tell = (channel: string, payload: string | null) => void

function keepConnected(url: string, log: Log, tell: Tell): { readonly close: () => Promise<void> } {
  let closed = false
  let waitMs = firstWaitMs
  let timer: NodeJS.Timeout | undefined
  let client: Client | undefined
  const connect = () => {
    const mine = new Client({ connectionString: url, keepAlive: true, connectionTimeoutMillis: 10_000 })
    client = mine
    let broken = false
    const again = (error?: Error) => {
      if (broken || closed) return
      broken = true
      log.warn({ error: error?.message }, 'The listening connection broke and is made again')
      mine.end().catch(() => undefined)
      timer = setTimeout(connect, waitMs)
      waitMs = Math.min(waitMs * 2, longestWaitMs)
    }
    mine.on('error', again)
    mine.on('end', () => again())
    mine.on('notification', ({ channel, payload }) => tell(channel, payload ?? ''))
    const ready = () => {
      waitMs = firstWaitMs
      for (const channel of channels) tell(channel, null)
    }
    mine
      .connect()
      .then(() => mine.query(channels.map((channel) => `listen ${channel}`).join('; ')))
      .then(ready, again)
  }
  connect()
  return {
    close: async () => {
      closed = true
      clearTimeout(timer)
      await client?.end().catch(() => undefined)
    },
  }
}
