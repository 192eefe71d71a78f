import type { Clock, Instant } from '../../core/instant.ts'
import { minutes, seconds } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Db } from '../../infra/database/types.ts'
import type { Log } from '../../infra/log.ts'
import { type HealthSighting, recordAbsent, recordHealth, recordWatch } from '../store/sightings.ts'

/** How often it is written down that the watch still sees all. */
const vouchEveryMs = seconds(10)
/** Everything is compared at this pace besides, so that a sighting that was lost or written over is put right. */
const fullEveryMs = minutes(1)
/** How many releases are compared in one statement. */
const atOnce = 1000

/** What the watch of a cluster's workloads offers. */
export type HealthSource = { readonly seenAt: Instant | null; all(): Iterable<HealthSighting> }

type HealthDeps = { readonly db: Db; readonly clock: Clock }

/**
 * Writes down until when the watch of a cluster vouches for the health of its releases (SPEC section 3, `health`): a release
 * whose pods do not change would otherwise seem not to be looked at. Returns when the signal is aborted.
 */
export async function followHealth(
  { db, clock }: HealthDeps,
  clusterId: Uuid,
  source: HealthSource,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  let nextFull = 0
  while (!signal.aborted) {
    const full = clock.now() >= nextFull
    try {
      const seenAt = source.seenAt
      if (seenAt !== null && full) {
        const doubted = await compareAll({ db, clock }, clusterId, source, seenAt)
        nextFull = clock.now() + (doubted > 0 ? 0 : fullEveryMs)
      }
      if (seenAt !== null) await recordWatch(db, clusterId, seenAt)
    } catch (error) {
      log.warn({ err: error, clusterId }, 'the health of releases was not written; it is tried again')
    }
    await clock.sleep(vouchEveryMs, signal)
  }
}

/** Resolves to how many releases it could not decide about yet. */
async function compareAll({ db, clock }: HealthDeps, clusterId: Uuid, source: HealthSource, seenAt: Instant) {
  const all = [...source.all()]
  for (let from = 0; from < all.length; from += atOnce) {
    await recordHealth(db, clusterId, all.slice(from, from + atOnce), clock.now())
  }
  return recordAbsent(db, clusterId, () => source.all(), { seenAt, now: clock.now(), atOnce })
}
