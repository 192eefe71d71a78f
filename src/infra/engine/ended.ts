import { sql } from 'kysely'
import type { Uuid } from '../../core/subject.ts'
import type { Listener } from '../database/listen.ts'
import type { Tx } from '../database/types.ts'
import { createNudge } from '../nudge.ts'

/** Tells those who wait for an operation that it has ended, when the transaction that ends it commits. */
export async function announceEnd(tx: Tx, operation: Uuid): Promise<void> {
  await sql`select pg_notify('operation_ended', ${operation})`.execute(tx)
}

export type EndWaiter = {
  /**
   * Waits until `read` gives something else than null, and returns it; null when the signal is aborted first. Reads
   * when the end is announced, and every second, because an announcement can be missed. Throws what `read` throws.
   */
  waitForEnd<T>(operation: Uuid, read: () => Promise<T | null>, signal: AbortSignal): Promise<T | null>
}

/** For the handlers that answer when the work has ended. */
export function createEndWaiter(listener: Pick<Listener, 'on'>, pollMs = 1_000): EndWaiter {
  return {
    async waitForEnd(operation, read, signal) {
      const nudge = createNudge()
      const off = listener.on('operation_ended', (ended) => {
        if (ended === null || ended === operation) nudge.now()
      })
      signal.addEventListener('abort', nudge.now, { once: true })
      try {
        while (!signal.aborted) {
          const end = await read()
          if (end !== null) return end
          await nudge.wait(pollMs)
        }
        return null
      } finally {
        off()
        signal.removeEventListener('abort', nudge.now)
      }
    },
  }
}
