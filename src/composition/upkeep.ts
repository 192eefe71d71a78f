import { type Clock, minutes } from '../core/instant.ts'
import type { Db } from '../infra/database/types.ts'
import { IdempotencyKeys } from '../infra/http/idempotency/store.ts'
import type { Log } from '../infra/log.ts'
import type { Stops } from './stops.ts'

const everyMs = minutes(30)

/** Deletes what is kept for a time only: idempotency keys after 24 hours. Until the server stops. */
export function startUpkeep(db: Db, clock: Clock, log: Log, stops: Stops): void {
  const stopping = new AbortController()
  const done = keepUp(new IdempotencyKeys(db), clock, log, stopping.signal)
  stops.add('upkeep', async () => {
    stopping.abort()
    await done
  })
}

async function keepUp(keys: IdempotencyKeys, clock: Clock, log: Log, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await keys.purge().catch((error: unknown) => log.warn({ err: error }, 'old idempotency keys stay for now'))
    await clock.sleep(everyMs, signal)
  }
}
