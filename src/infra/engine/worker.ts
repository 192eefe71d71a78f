import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../core/instant.ts'
import type { SubjectKind } from '../../core/subject.ts'
import { stopwatch as ownStopwatch, type Stopwatch } from '../clock.ts'
import type { Listener } from '../database/listen.ts'
import type { Db } from '../database/types.ts'
import type { Log } from '../log.ts'
import { createNudge, type Nudge } from '../nudge.ts'
import { attemptCloser } from './attempts.ts'
import { createBackoff } from './backoff.ts'
import { claim } from './claim.ts'
import type { DriveEnd, Driver } from './drive.ts'
import { describe, LeaseLost } from './errors.ts'
import { insist } from './insist.ts'
import { type HeldLease, holdLease } from './lease.ts'
import { startRenewing } from './renewing.ts'
import { Turns, unbounded } from './shares.ts'
import { freeSlots, type Limits, type Pool, poolsOf } from './slots.ts'
import { finish, isBusy, release } from './work.ts'

export type WorkerOptions = {
  readonly db: Db
  /** Tells of due work at once; without it the worker looks every `pollMs`. */
  readonly listener: Pick<Listener, 'on'> | null
  readonly drivers: readonly Driver[]
  /** How many subjects at once, of all kinds without a limit of their own. */
  readonly concurrency: number
  /** How many of them of one share (docs/adr/0013); all of them by default. */
  readonly mostOfShare?: number
  /** Kinds with slots of their own, beside `concurrency`. */
  readonly limits?: Limits
  readonly clock: Clock
  readonly log: Log
  readonly leaseMs?: number
  readonly takeoverMs?: number
  readonly pollMs?: number
  /** The first pause after a failure that was not foreseen; it doubles. */
  readonly retryMs?: number
  readonly stopwatch?: Stopwatch
}

export type Worker = {
  /**
   * Takes nothing more, hands over what waits, gives running acts `graceMs` and then aborts their signal. Resolves
   * when all is given back. What has not ended a lease later is left to the next worker.
   */
  stop(options?: { readonly graceMs?: number }): Promise<void>
  /** Resolves when nothing is held and nothing is due now. For tests and tools. */
  idle(): Promise<void>
}

const defaults = { leaseMs: 15_000, takeoverMs: 2_000, pollMs: 1_000, retryMs: 1_000, limits: {} }

/** Starts to claim and drive subjects that are due. A database that is away is waited for. */
export function startWorker(given: WorkerOptions): Worker {
  const options = { ...defaults, stopwatch: ownStopwatch, mostOfShare: unbounded, ...given }
  const kinds = options.drivers.map((driver) => driver.kind)
  const name = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`
  const held = new Map<HeldLease, Promise<void>>()
  const pools = poolsOf(kinds, options, options.limits).map((pool) => ({
    ...pool,
    nudge: createNudge(),
    turns: new Turns(),
    gatherMs: isTogether(options.drivers, pool) ? gatherLongerMs : gatherMs,
  }))
  const nudge = (kind: SubjectKind | null) => {
    for (const pool of pools) if (kind === null || pool.kinds.includes(kind)) pool.nudge.now()
  }
  const draining = new AbortController()
  const renewing = startRenewing({ ...options, held: () => [...held.keys()] })
  const drive = driving(options, draining.signal)
  const onDue = (kind: string | null) => {
    nudge(kind as SubjectKind | null)
    renewing.check()
  }
  const unlisten = options.listener?.on('work_due', onDue)
  const begin = (lease: HeldLease, over: () => void) => {
    const ended = drive(lease).finally(() => {
      held.delete(lease)
      over()
      lease.close()
      nudge(lease.subject.kind)
    })
    held.set(lease, ended)
  }
  const heldKinds = () => [...held.keys()].map((lease) => lease.subject.kind)
  const claiming = Promise.all(
    pools.map((pool) => claimUntil(draining.signal, { name, options, pool, begin, held: heldKinds })),
  )
  const allEnded = () => Promise.allSettled([claiming, ...held.values()])
  return {
    async stop({ graceMs = 0 } = {}) {
      draining.abort()
      nudge(null)
      unlisten?.()
      await claiming
      await atMost(graceMs, allEnded())
      for (const lease of held.keys()) lease.handOver()
      await atMost(options.leaseMs, allEnded())
      renewing.stop()
    },
    async idle() {
      while (await isBusy(options.db, kinds, name)) await sleep(5)
    },
  }
}

type Options = WorkerOptions & Required<Omit<WorkerOptions, 'listener'>>

/** Drives a claimed subject and gives it back, whatever happens; never rejects. */
function driving(options: Options, draining: AbortSignal): (lease: HeldLease) => Promise<void> {
  const drivers = new Map(options.drivers.map((driver) => [driver.kind, driver]))
  const { db, clock, log } = options
  const context = { db, clock, log, draining, closeAttempt: attemptCloser(db) }
  const backoff = createBackoff(options.retryMs)
  const again = <T>(giveBack: () => Promise<T>) => insist(options.clock, giveBack)
  const giveBack = async (lease: HeldLease, end: DriveEnd | undefined) => {
    if (end === undefined || end.kind === 'interrupted') return again(() => release(options.db, lease))
    backoff.succeeded(lease.subject)
    if (end.kind === 'returned') return true
    return again(() => finish(options.db, lease, end.wake, end.seen))
  }
  const retryLater = async (lease: HeldLease, error: unknown) => {
    const { kind, id } = lease.subject
    if (error instanceof LeaseLost) return options.log.debug({ kind, id }, 'A lease was lost')
    const delayMs = backoff.failed(lease.subject)
    options.log.error({ kind, id, delayMs, error: describe(error) }, 'A subject could not be worked on')
    return again(() => release(options.db, lease, delayMs))
  }
  return async (lease) => {
    try {
      const end = await drivers.get(lease.subject.kind)?.drive(lease, context)
      await giveBack(lease, end)
    } catch (error) {
      await retryLater(lease, error).catch((late: unknown) =>
        options.log.warn({ error: describe(late) }, 'A lease could not be given back: it runs out'),
      )
    }
  }
}

type Claiming = {
  readonly name: string
  readonly options: Options
  readonly pool: Pool & { readonly nudge: Nudge; readonly turns: Turns; readonly gatherMs: number }
  readonly begin: (lease: HeldLease, over: () => void) => void
  readonly held: () => readonly SubjectKind[]
}

/** While something runs, freed slots and what comes due are gathered for so long: one claim then takes several. */
const gatherMs = 3
/** The same of what is read and written together: the more is taken at once, the fewer statements there are for all. */
const gatherLongerMs = 20

const isTogether = (drivers: readonly Driver[], { kinds }: Pool) =>
  drivers.every(({ kind, together = false }) => together || !kinds.includes(kind))

/** Claims for one pool. Each has its own loop, so that what is due in one costs the others nothing. */
async function claimUntil(draining: AbortSignal, claiming: Claiming): Promise<void> {
  const { options, pool, held } = claiming
  while (!draining.aborted) {
    await pool.nudge.wait(await claimOnce(claiming).catch(tellAndWait(options)))
    if (freeSlots(pool, held()) < pool.size) await sleep(pool.gatherMs)
  }
}

function tellAndWait({ log, pollMs }: Options): (error: unknown) => number {
  return (error) => {
    log.warn({ error: describe(error) }, 'Work could not be claimed')
    return pollMs
  }
}

/** Claims as much as there are free slots. Returns how long to wait, unless nudged: nothing is due for so long. */
async function claimOnce({ name, options, pool, begin, held }: Claiming): Promise<number> {
  const { stopwatch, db, leaseMs, takeoverMs, pollMs } = options
  const limit = freeSlots(pool, held())
  if (limit <= 0) return pollMs
  const from = stopwatch()
  const { kinds, mostOfShare, turns } = pool
  const wanted = { kinds, limit, mostOfShare, served: turns.served() }
  const { taken, nextMs } = await claim(db, { ...wanted, worker: name, leaseMs, takeoverMs })
  for (const one of taken) {
    turns.took(one.share)
    begin(holdLease({ ...one, from, leaseMs }, stopwatch), () => turns.gaveBack(one.share))
  }
  if (taken.length === limit || nextMs === null) return pollMs
  return Math.max(shortestWaitMs, pool.gatherMs, Math.min(pollMs, nextMs))
}

/** A row that is due may be locked by a transaction for a moment. */
const shortestWaitMs = 5

async function atMost(ms: number, done: Promise<unknown>): Promise<void> {
  const timer = new AbortController()
  await Promise.race([done, sleep(ms, undefined, { signal: timer.signal }).catch(() => undefined)])
  timer.abort()
}
