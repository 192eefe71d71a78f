import { type Clock, minutes } from '../core/instant.ts'
import { forgetAttempts } from '../infra/engine/index.ts'
import { IdempotencyKeys } from '../infra/http/idempotency/store.ts'
import type { Log } from '../infra/log.ts'
import { condenseCounts, type ReleaseDeps } from '../releases/index.ts'
import { forgetOldDeliveries } from '../webhooks/index.ts'
import type { Stops } from './stops.ts'

const everyMs = minutes(30)
/** So often what was added to the counters of the fleet is summed: each change of a release adds up to two rows. */
const condensedEveryMs = minutes(1)
/** What a webhook or a relay did is told by deliveries and lags: the engine's own records of it are kept for a day. */
const attemptsKeptMs = 24 * 60 * minutes(1)

type UpkeepDeps = Pick<ReleaseDeps, 'db' | 'vault' | 'clock'>

/**
 * Deletes what is kept for a time only: idempotency keys after 24 hours, deliveries of webhooks after 7 days. And keeps the
 * counters small. Until the server stops.
 */
export function startUpkeep({ db, vault, clock }: UpkeepDeps, log: Log, stops: Stops): void {
  const stopping = new AbortController()
  const keys = new IdempotencyKeys(db, vault)
  const forget = [
    () => keys.purge(),
    () => forgetOldDeliveries(db, clock.now()),
    () => forgetAttempts(db, ['sink', 'relay'], clock.now() - attemptsKeptMs),
  ]
  const keep = (every: number, chores: readonly Chore[]) =>
    keepUp(chores, { every, clock, log, signal: stopping.signal })
  const done = Promise.all([keep(everyMs, forget), keep(condensedEveryMs, [() => condenseCounts(db)])])
  stops.add('upkeep', async () => {
    stopping.abort()
    await done
  })
}

type Chore = () => Promise<unknown>

type Keeping = { readonly every: number; readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal }

async function keepUp(chores: readonly Chore[], { every, clock, log, signal }: Keeping): Promise<void> {
  while (!signal.aborted) {
    for (const one of chores)
      await one().catch((error: unknown) => log.warn({ err: error }, 'upkeep has failed, and is tried again'))
    await clock.sleep(every, signal)
  }
}
