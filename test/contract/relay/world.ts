import { randomUUID } from 'node:crypto'
import { vi } from 'vitest'
import type { JsonObject } from '../../../src/core/json.ts'
import type { Subject, SubjectKind } from '../../../src/core/subject.ts'
import { systemClock } from '../../../src/infra/clock.ts'
import { openListener } from '../../../src/infra/database/listen.ts'
import { transaction } from '../../../src/infra/database/pool.ts'
import { driverOf, startWorker, type Worker } from '../../../src/infra/engine/index.ts'
import { silentLog } from '../../../src/infra/log.ts'
import {
  type Lag,
  type Message,
  openRelays,
  type Publish,
  readLags,
  relayMachine,
  wakeRelays,
} from '../../../src/relay/index.ts'
import { type FreshDatabase, freshDatabase } from '../../support/database.ts'
import { createTeller } from '../../support/events.ts'

export const releaseTopic = 'helm.release-events'
export const componentTopic = 'registry.version-events'
export const executionTopic = 'registry.upgrade-orchestration-events'

/** A database whose events are relayed. */
export type World = {
  readonly database: FreshDatabase
  tell(subject: Subject, count: number, of?: { readonly type?: string; readonly data?: JsonObject }): Promise<void>
  /** Makes the relays; without it events are told while there are none. */
  open(): Promise<void>
  work(stopping?: AbortSignal): Worker
  lags(): Promise<readonly Lag[]>
  /** Waits until the broker has taken everything. */
  untilCaughtUp(): Promise<void>
  close(): Promise<void>
}

export const subject = (kind: SubjectKind): Subject => ({ kind, id: randomUUID() })

/** `publish` is what a worker sends with; `pageSize` how much goes together. */
export async function openWorld(publish: Publish, pageSize = 7): Promise<World> {
  const database = await freshDatabase({ max: 16 })
  const { db } = database
  const listener = openListener(database.url, silentLog)
  const tell = createTeller(db, (tx, from, to) => wakeRelays(tx, { from, to }))
  const workers: Worker[] = []
  const retry = { firstMs: 5, longestMs: 50 }
  return {
    database,
    tell: (of, count, more = {}) => tell({ subject: of, tenantId: null, count, ...more }),
    open: () => transaction(db, openRelays),
    work: (stopping = new AbortController().signal) => {
      const machine = relayMachine({ db, clock: systemClock, log: silentLog, publish, stopping, pageSize, retry })
      const worker = startWorker({
        ...{ db, listener, drivers: [driverOf(machine)], concurrency: 3, clock: systemClock, log: silentLog },
        ...{ pollMs: 50, takeoverMs: 50, leaseMs: 5_000 },
      })
      workers.push(worker)
      return worker
    },
    lags: () => readLags(db),
    untilCaughtUp: () =>
      vi.waitFor(
        async () => {
          const behind = (await readLags(db)).filter(({ events }) => events > 0)
          if (behind.length > 0) throw new Error(`still behind: ${JSON.stringify(behind)}`)
        },
        { timeout: 60_000, interval: 20 },
      ),
    close: async () => {
      await Promise.all(workers.map((worker) => worker.stop()))
      await listener.close()
      await database.close()
    },
  }
}

export type CloudEvent = {
  readonly id: string
  readonly type: string
  readonly subject: string
  readonly sequence: string
  readonly data?: JsonObject
  readonly dataref?: string
}

/** The events of messages, in their order. */
export const eventsOf = (messages: readonly Message[]): readonly CloudEvent[] =>
  messages.map(({ value }) => JSON.parse(value) as CloudEvent)

/** The numbers that a topic has of a subject, each when it came first. */
export function firstsOf(messages: readonly Message[], of: Subject): readonly number[] {
  const own = eventsOf(messages.filter(({ key }) => key === of.id))
  return [...new Set(own.map(({ sequence }) => Number(sequence)))]
}

export const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n + 1)
