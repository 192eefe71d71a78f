import { type Clock, seconds } from '../core/instant.ts'
import { type Resealed, reseal, type SealedColumn } from '../infra/database/reseal.ts'
import type { Db } from '../infra/database/types.ts'
import { sealedAnswers } from '../infra/http/idempotency/store.ts'
import type { Log } from '../infra/log.ts'
import { renewal } from '../infra/secrets/vault.ts'
import { type ReleaseDeps, sealedColumns } from '../releases/index.ts'
import { sealedSources } from './charts.ts'
import { type Keys, settleOn } from './secret-key.ts'
import type { Stops } from './stops.ts'
import { sealedWebhooks } from './webhooks.ts'

/** Everything that is sealed at rest. */
const columns: readonly SealedColumn[] = [...sealedColumns, sealedSources, sealedWebhooks, sealedAnswers]

/** Others may still write with the other key: what they leave is found by the next pass. */
const pauseMs = seconds(2)

/**
 * Seals everything anew that the other key has sealed, in the background, until a pass finds nothing more; then the first
 * key is enough (docs/adr/0036). Without another key nothing is to be done.
 */
export function startResealing(
  { keys, deps, log }: { readonly keys: Keys; readonly deps: Pick<ReleaseDeps, 'db' | 'clock'>; readonly log: Log },
  stops: Stops,
): void {
  if (keys.length === 1) return
  const stopping = new AbortController()
  const done = resealAll(deps.db, keys, deps.clock, log, stopping.signal)
  stops.add('sealing anew', async () => {
    stopping.abort()
    await done
  })
}

/**
 * Ends when everything is sealed with the first key, or when it is told to stop. Never rejects: nobody waits for it before
 * the process stops, and what the database does not let it do is tried again.
 */
export async function resealAll(db: Db, keys: Keys, clock: Clock, log: Log, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      if (await isSettled(db, keys, clock, log, signal)) return
    } catch (error) {
      log.warn({ err: error }, 'sealing anew goes on later')
    }
    await clock.sleep(pauseMs, signal)
  }
}

/** One look at everything; true once nothing was found, and that is remembered. */
async function isSettled(db: Db, keys: Keys, clock: Clock, log: Log, signal: AbortSignal): Promise<boolean> {
  const found = await onePass(db, keys, signal)
  if (found.renewed > 0 || signal.aborted) {
    log.info({ ...found }, 'sealed anew with FLOTILLA_SECRET_KEY')
    return false
  }
  await settleOn(db, keys, clock)
  log.info(
    { unreadable: found.unreadable },
    'everything is sealed with FLOTILLA_SECRET_KEY: FLOTILLA_OTHER_SECRET_KEY is no longer needed',
  )
  return true
}

async function onePass(db: Db, keys: Keys, signal: AbortSignal): Promise<Resealed> {
  const renewing = renewal(keys)
  let [renewed, unreadable] = [0, 0]
  for (const column of columns) {
    const found = await reseal(db, column, renewing, signal)
    renewed += found.renewed
    unreadable += found.unreadable
  }
  return { renewed, unreadable }
}
