import type { Stopwatch } from '../clock.ts'
import type { Db } from '../database/types.ts'
import type { Log } from '../log.ts'
import type { HeldLease } from './lease.ts'
import { readWanted, renew } from './work.ts'

export type RenewingOptions = {
  readonly db: Db
  readonly leaseMs: number
  readonly stopwatch: Stopwatch
  readonly log: Log
  readonly held: () => readonly HeldLease[]
}

export type Renewing = {
  /** Asks whether subjects with an act under way were woken; several calls at once ask once. */
  check(): void
  stop(): void
}

const gatherMs = 50

/**
 * Renews all leases in one statement every third of their time, so that two renewals may fail. When the database does
 * not answer they run out by themselves, here before there.
 */
export function startRenewing(options: RenewingOptions): Renewing {
  const timer = setInterval(() => logged(options, renewAll(options)), options.leaseMs / 3).unref()
  let checking: NodeJS.Timeout | undefined
  const checkNow = () => {
    checking = undefined
    logged(options, checkWatched(options))
  }
  return {
    check() {
      checking ??= setTimeout(checkNow, gatherMs).unref()
    },
    stop() {
      clearInterval(timer)
      clearTimeout(checking)
    },
  }
}

function logged({ log }: RenewingOptions, done: Promise<void>): void {
  done.catch((error: unknown) => log.warn({ error: String(error) }, 'Leases could not be renewed'))
}

/** Renews once; leases that another worker has taken end here. */
export async function renewAll({ db, leaseMs, stopwatch, held }: RenewingOptions): Promise<void> {
  const leases = held().filter((lease) => lease.remainingMs() > 0)
  const from = stopwatch()
  for (const { lease, wanted, state } of await renew(db, leases, leaseMs)) {
    if (state === 'lost') lease.lost()
    if (state === 'renewed') lease.renewed(from)
    lease.sawWanted(wanted)
  }
}

async function checkWatched({ db, held }: RenewingOptions): Promise<void> {
  const leases = held().filter((lease) => lease.isWatched())
  if (leases.length === 0) return
  const wanted = await readWanted(db, leases)
  for (const [at, lease] of leases.entries()) lease.sawWanted(wanted[at] ?? 0)
}
