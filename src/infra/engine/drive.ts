import type { Attempt } from '../../core/decision.ts'
import type { Clock, Instant } from '../../core/instant.ts'
import type { SubjectKind } from '../../core/subject.ts'
import type { Db, Tx } from '../database/types.ts'
import type { Log } from '../log.ts'
import { openAttempt, takeOverAttempt } from './attempts.ts'
import { apply } from './commands.ts'
import type { HeldLease } from './lease.ts'
import { perform } from './perform.ts'
import type { Machine } from './types.ts'
import { type Fence, fenced, finish } from './work.ts'

export type DriveContext = {
  readonly db: Db
  readonly clock: Clock
  readonly log: Log
  /** Aborted when the worker stops: no further act is begun. */
  readonly draining: AbortSignal
}

/**
 * How a drive ended. `finished`: due again at `wake`, having seen that many wakes. `returned`: the same, and the lease was
 * given back with the last decision. `interrupted`: not done.
 */
export type DriveEnd =
  | { readonly kind: 'finished'; readonly wake: Instant | null; readonly seen: number }
  | { readonly kind: 'returned' }
  | { readonly kind: 'interrupted' }

/** A machine as the worker sees it. */
export type Driver = {
  readonly kind: SubjectKind
  drive(lease: HeldLease, context: DriveContext): Promise<DriveEnd>
}

/** Makes a machine one that a worker can drive. */
export function driverOf<S, C, O, A extends { readonly kind: string }>(machine: Machine<S, C, O, A>): Driver {
  return { kind: machine.kind, drive: (lease, context) => drive(machine, lease, context) }
}

/** After so many acts in a row the subject is put back in the queue, behind the others. */
const actsAtATime = 20
/** The same for looks: a machine that never comes to rest must not keep the others waiting. */
const looksAtATime = 100

/**
 * The loop: observe, decide and commit, act, record, observe again, until no act is due. Throws `LeaseLost`, and
 * whatever was not foreseen; then the subject is to be tried again later, from an observation.
 */
export async function drive<S, C, O, A extends { readonly kind: string }>(
  machine: Machine<S, C, O, A>,
  lease: HeldLease,
  context: DriveContext,
): Promise<DriveEnd> {
  for (let acts = 0, looks = 0; !context.draining.aborted && !lease.signal.aborted; looks++) {
    const step = await takeStep(machine, lease, context)
    if (step.kind === 'look-again' && looks < looksAtATime) continue
    if (step.kind === 'look-again') return { kind: 'finished', wake: context.clock.now(), seen: lease.wanted() }
    if (step.kind === 'gone') return { kind: 'finished', wake: null, seen: step.seen }
    if (step.kind === 'rest') return { kind: 'returned' }
    await perform(machine, lease, step, context)
    if (++acts === actsAtATime) return { kind: 'finished', wake: context.clock.now(), seen: step.seen }
  }
  return { kind: 'interrupted' }
}

type Step<A> =
  | { readonly kind: 'look-again' }
  | { readonly kind: 'gone'; readonly seen: number }
  | { readonly kind: 'rest' }
  | { readonly kind: 'act'; readonly attempt: Attempt<A>; readonly seen: number }

async function takeStep<S, C, O, A extends { readonly kind: string }>(
  machine: Machine<S, C, O, A>,
  lease: HeldLease,
  context: DriveContext,
): Promise<Step<A>> {
  const known = lease.wanted()
  const state = await machine.load(context.db, lease.subject.id)
  if (state === null) return { kind: 'gone', seen: known }
  const observation = await machine.observe(state, lease)
  return fenced(context.db, lease, async (tx, fence) => {
    if (fence.wanted > known) return lookAgain(lease, fence.wanted)
    return decideOn(machine, lease, { tx, fence, state, observation, now: context.clock.now() })
  })
}

/** A command has come since the state was read, and the observation was made for another state. */
function lookAgain(lease: HeldLease, wanted: number): { readonly kind: 'look-again' } {
  lease.sawWanted(wanted)
  return { kind: 'look-again' }
}

/** What a decision is made from. The state is the one that was observed: it is read again under its lock. */
type Look<S, O> = {
  readonly tx: Tx
  readonly fence: Fence
  readonly state: S
  readonly observation: O
  readonly now: Instant
}

async function decideOn<S, C, O, A extends { readonly kind: string }>(
  machine: Machine<S, C, O, A>,
  lease: HeldLease,
  { tx, fence, state: observed, observation, now }: Look<S, O>,
): Promise<Step<A>> {
  const seen = fence.wanted
  const state = await machine.load(tx, lease.subject.id, { lock: true, known: observed })
  if (state === null) return { kind: 'gone', seen }
  const attempt = await takeOverAttempt(tx, lease, fence.attempt as Attempt<A> | null, now)
  const decision = machine.decide(state, { kind: 'observed', observation, attempt }, now)
  if (decision.kind === 'rejected') throw new Error(`${machine.kind} refused an observation: ${decision.code}`)
  const changed = await apply(tx, machine, state, decision)
  if (decision.act === null && changed && isDue(decision.wake, now)) return { kind: 'look-again' }
  if (decision.act === null) {
    await finish(tx, lease, restUntil(decision.wake, changed, now), seen)
    return { kind: 'rest' }
  }
  const opened = await openAttempt(tx, lease.subject, decision.act, { epoch: lease.epoch, now })
  return { kind: 'act', attempt: opened, seen }
}

/** Something changed and the next look is due at once: it is taken under the same lease. */
function isDue(wake: Instant | null, now: Instant): boolean {
  return wake !== null && wake <= now
}

const shortestRestMs = 200

/** A decision that changed nothing and wants to be asked again at once would be asked for ever: it waits a little. */
export function restUntil(wake: Instant | null, changed: boolean, now: Instant): Instant | null {
  return wake === null || changed ? wake : Math.max(wake, now + shortestRestMs)
}
