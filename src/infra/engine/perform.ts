import type { Attempt } from '../../core/decision.ts'
import type { Outcome } from './attempts.ts'
import type { DriveContext } from './drive-context.ts'
import { ActAborted, ActFailed, describe, whyAborted } from './errors.ts'
import { requireTime } from './fence.ts'
import { insist } from './insist.ts'
import type { HeldLease } from './lease.ts'
import type { ActContext, Machine } from './types.ts'

type Begun<A> = { readonly attempt: Attempt<A>; readonly seen: number }

/**
 * Carries out the act of an open attempt and records how it ended. Its signal is aborted when the lease is lost, the
 * worker stops, the deadline passes or a command cancels it; the act's promise is waited for in every case. Throws
 * `LeaseLost` when the outcome may no longer be written, and an error of the act that is no `ActFailed` after
 * recording the attempt as interrupted. Of an act that was ended, such an error goes to the log only.
 */
export async function perform<S, C, O, A extends { readonly kind: string }>(
  machine: Machine<S, C, O, A>,
  lease: HeldLease,
  { attempt, seen }: Begun<A>,
  context: DriveContext,
): Promise<void> {
  const stops = [watchDeadline(attempt.deadline, context), watchCancel(machine, lease, seen, context)]
  const signal = AbortSignal.any([lease.signal, ...stops.map((stop) => stop.signal)])
  const ended = await run(machine, attempt, { lease, signal, attempt })
  for (const stop of stops) stop.close()
  if (signal.aborted && !isAbort(ended.unforeseen, signal)) tell(lease, ended.unforeseen, context)
  const end = { ...ended.outcome, lease, seq: attempt.seq, now: context.clock.now() }
  await insist(context.clock, async () => {
    requireTime(lease)
    await context.closeAttempt(end)
  })
  if (ended.unforeseen !== undefined && !signal.aborted) throw ended.unforeseen
}

type Ended = { readonly outcome: Outcome; readonly unforeseen?: unknown }

async function run<S, C, O, A extends { readonly kind: string }>(
  machine: Machine<S, C, O, A>,
  { act }: Attempt<A>,
  context: ActContext,
): Promise<Ended> {
  const carryOut = machine.acts[act.kind as A['kind']] as (act: A, context: ActContext) => Promise<void>
  try {
    await carryOut(act, context)
    return { outcome: { result: 'done', failure: null } }
  } catch (error) {
    if (error instanceof ActFailed) return { outcome: { result: error.result, failure: error.failure } }
    return { outcome: { result: 'interrupted', failure: unforeseenFailure(context.signal) }, unforeseen: error }
  }
}

/** What was thrown goes to the log, not to callers: it may hold anything. */
function unforeseenFailure(signal: AbortSignal): Outcome['failure'] {
  const why = whyAborted(signal)
  if (why === 'deadline') return { code: 'timed_out', detail: 'The act passed its deadline' }
  if (why === 'cancelled') return { code: 'cancelled', detail: 'The act was cancelled' }
  if (why !== null) return { code: 'interrupted', detail: 'The act was interrupted', workerStopped: true }
  return { code: 'internal', detail: 'The act failed in a way that was not foreseen' }
}

/** True for what an act throws because it was ended, and for nothing thrown at all. */
function isAbort(error: unknown, signal: AbortSignal): boolean {
  if (error === undefined || error === signal.reason) return true
  return (
    error instanceof Error && (error.name === 'AbortError' || (error.cause != null && isAbort(error.cause, signal)))
  )
}

function tell({ subject: { kind, id } }: HeldLease, error: unknown, { log }: DriveContext): void {
  log.error({ kind, id, error: describe(error) }, 'An act that was ended failed in a way that was not foreseen')
}

type Stop = { readonly signal: AbortSignal; close(): void }

function watchDeadline(deadline: number, { clock }: DriveContext): Stop {
  const passed = new AbortController()
  const done = new AbortController()
  const abort = () => {
    if (!done.signal.aborted) passed.abort(new ActAborted('deadline'))
  }
  clock.sleep(deadline - clock.now(), done.signal).then(abort, abort)
  return { signal: passed.signal, close: () => done.abort() }
}

/** Looks at the subject again whenever it was woken since the decision: a command may have asked for the act's end. */
function watchCancel<S, C, O, A extends { readonly kind: string }>(
  machine: Machine<S, C, O, A>,
  lease: HeldLease,
  seen: number,
  context: DriveContext,
): Stop {
  const cancelled = new AbortController()
  const done = new AbortController()
  const look = async (): Promise<void> => {
    while (!done.signal.aborted) {
      const state = await machine.load(context.db, lease.subject.id).catch(() => undefined)
      if (state != null && machine.mustAbort(state)) cancelled.abort(new ActAborted('cancelled'))
      if (state !== undefined) return
      // A wake is told once: what it asks for must not get lost with a database that is away for a moment.
      await context.clock.sleep(cancelRetryMs, done.signal)
    }
  }
  const off = lease.onWanted(() => void look())
  if (lease.wanted() > seen) void look()
  const close = () => {
    off()
    done.abort()
  }
  return { signal: cancelled.signal, close }
}

const cancelRetryMs = 500
