import type { Subject } from '../../core/subject.ts'
import type { Stopwatch } from '../clock.ts'
import { ActAborted } from './errors.ts'
import type { Lease } from './types.ts'

/** A lease as the worker holds it. */
export type HeldLease = Lease & {
  /** How often the subject is known to have been woken. */
  readonly wanted: () => number
  /** Calls back when it is learnt that the subject was woken again; returns what ends it. */
  onWanted(notice: (wanted: number) => void): () => void
  /** True while somebody wants to be called. */
  isWatched(): boolean
  sawWanted(wanted: number): void
  /** Counts from `from`, the stopwatch before the renewal was asked for. A lease that is over stays over. */
  renewed(from: number): void
  lost(): void
  /** Asks the act to end because the worker stops. The lease stays ours until it is released. */
  handOver(): void
  /** The worker has let go of it: no timer is left. */
  close(): void
}

export type Taken = {
  readonly subject: Subject
  readonly epoch: bigint
  readonly wanted: number
  /** The stopwatch before the claim was asked for: earlier than the database began to count. */
  readonly from: number
  readonly leaseMs: number
}

/**
 * A lease that ends by this process's own clock, earlier than by the database's: so a process that was stopped for
 * longer than its lease finds it over at once, whatever it was doing.
 */
export function holdLease(taken: Taken, stopwatch: Stopwatch): HeldLease {
  const controller = new AbortController()
  const watchers = new Set<(wanted: number) => void>()
  let { from, wanted } = taken
  let over = false
  let timer: NodeJS.Timeout | undefined
  const remainingMs = () => (over ? 0 : Math.max(0, from + taken.leaseMs - stopwatch()))
  const lost = () => {
    over = true
    clearTimeout(timer)
    controller.abort(new ActAborted('lease-lost'))
  }
  const watchEnd = () => {
    clearTimeout(timer)
    timer = setTimeout(() => (remainingMs() > 0 ? watchEnd() : lost()), Math.ceil(remainingMs())).unref()
  }
  watchEnd()
  return {
    subject: taken.subject,
    epoch: taken.epoch,
    signal: controller.signal,
    remainingMs,
    wanted: () => wanted,
    onWanted(notice) {
      watchers.add(notice)
      return () => watchers.delete(notice)
    },
    isWatched: () => watchers.size > 0,
    sawWanted(seen) {
      if (seen <= wanted) return
      wanted = seen
      for (const notice of [...watchers]) notice(seen)
    },
    renewed(since) {
      if (remainingMs() === 0) return lost()
      from = Math.max(from, since)
    },
    lost,
    handOver: () => controller.abort(new ActAborted('shutdown')),
    close: () => clearTimeout(timer),
  }
}
