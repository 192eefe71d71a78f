import type { Attempt } from '../../core/decision.ts'
import type { Instant } from '../../core/instant.ts'
import type { SubjectKind } from '../../core/subject.ts'
import type { Db, Tx } from '../database/types.ts'
import { attemptOf, isLeftOpen, openAttempt, takeOverAttempt } from './attempts.ts'
import { apply } from './commands.ts'
import type { DriveContext } from './drive-context.ts'
import { type Fence, fenced, requireTime } from './fence.ts'
import type { HeldLease } from './lease.ts'
import { perform } from './perform.ts'
import { type Settling, settlingOf } from './settle.ts'
import type { Machine, Saving } from './types.ts'
import { finish, readWanted } from './work.ts'

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
  /** Whether subjects that are driven at the same time share statements. */
  readonly together?: boolean
  drive(lease: HeldLease, context: DriveContext): Promise<DriveEnd>
}

/** Makes a machine one that a worker can drive. */
export function driverOf<S, C, O, A extends { readonly kind: string }>(machine: Machine<S, C, O, A>): Driver {
  const { kind, saving } = machine
  const settlings = new WeakMap<Db, Settling<S, A>>()
  const settlingIn = (context: DriveContext, how: Saving<S>): Settling<S, A> => {
    const settling = settlings.get(context.db) ?? settlingOf(context, kind, how)
    settlings.set(context.db, settling)
    return settling
  }
  return {
    kind,
    together: saving !== undefined,
    drive(lease, context) {
      const settling = saving === undefined ? undefined : settlingIn(context, saving)
      return drive(machine, lease, { ...context, settling })
    },
  }
}

type Context<S, A> = DriveContext & { readonly settling: Settling<S, A> | undefined }

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
  context: Context<S, A>,
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

type Rest = { readonly kind: 'look-again' } | { readonly kind: 'rest'; readonly wake: Instant | null }
type Step<A> =
  | Rest
  | { readonly kind: 'gone'; readonly seen: number }
  | { readonly kind: 'act'; readonly attempt: Attempt<A>; readonly seen: number }

async function takeStep<S, C, O, A extends { readonly kind: string }>(
  machine: Machine<S, C, O, A>,
  lease: HeldLease,
  { db, clock, settling }: Context<S, A>,
): Promise<Step<A>> {
  const known = lease.wanted()
  const { id } = lease.subject
  const [state, attempt] = await Promise.all([machine.load(db, id), settling?.newestAttempt(id)])
  if (state === null) return { kind: 'gone', seen: known }
  const observation = await machine.observe(state, lease)
  if (settling !== undefined && attempt !== undefined) {
    const look = { wanted: known, attempt, state, observation, now: clock.now() }
    const step = await settleAtOnce(machine, lease, settling, look)
    if (step !== null) return step
  }
  return fenced(db, lease, async (tx, fence) => {
    if (fence.wanted > known) return lookAgain(lease, fence.wanted)
    return decideOn(machine, lease, { tx, fence, state, observation, now: clock.now() })
  })
}

/** What was observed, and the state that it was observed for. */
type Observed<S, O> = { readonly state: S; readonly observation: O; readonly now: Instant }

type UnlockedLook<S, O, A> = Observed<S, O> & { readonly wanted: number; readonly attempt: Attempt<A> | null }

/**
 * Decides on a state that was read without its lock, and writes what was decided if nothing came in between. Null: it has
 * to be decided under the lock.
 */
async function settleAtOnce<S, C, O, A extends { readonly kind: string }>(
  machine: Machine<S, C, O, A>,
  lease: HeldLease,
  { covers, settle }: Settling<S, A>,
  { wanted, attempt, state, observation, now }: UnlockedLook<S, O, A>,
): Promise<Step<A> | null> {
  if (isLeftOpen(attempt, lease)) return null
  const decision = machine.decide(state, { kind: 'observed', observation, attempt }, now)
  if (decision.kind === 'rejected') return null
  const { state: after, events, act } = decision
  const changed = after !== state || events.length > 0
  if (changed && !covers(state, after)) return null
  requireTime(lease)
  const change = changed ? { before: state, after, events } : null
  const opening = act === null ? null : attemptOf(act, { seq: (attempt?.seq ?? 0) + 1, epoch: lease.epoch, now })
  const next = opening === null ? restOf(decision.wake, changed, now) : { kind: 'act' as const, attempt: opening }
  if (!(await settle({ lease, wanted, change, next, now }))) return null
  return next.kind === 'act' ? { ...next, seen: wanted } : next
}

/** A command has come since the state was read, and the observation was made for another state. */
function lookAgain(lease: HeldLease, wanted: number): { readonly kind: 'look-again' } {
  lease.sawWanted(wanted)
  return { kind: 'look-again' }
}

/** What a decision under the lock is made from: the state is read again there. */
type Look<S, O> = Observed<S, O> & { readonly tx: Tx; readonly fence: Fence }

async function decideOn<S, C, O, A extends { readonly kind: string }>(
  machine: Machine<S, C, O, A>,
  lease: HeldLease,
  { tx, fence, state: observed, observation, now }: Look<S, O>,
): Promise<Step<A>> {
  const seen = fence.wanted
  const state = await machine.load(tx, lease.subject.id, { lock: true, known: observed })
  if (state === null) return { kind: 'gone', seen }
  // A command that held the subject until now has woken it after the fence was read.
  const wanted = await wantedNow(tx, lease)
  if (wanted > seen) return lookAgain(lease, wanted)
  const attempt = await takeOverAttempt(tx, lease, fence.attempt as Attempt<A> | null, now)
  const decision = machine.decide(state, { kind: 'observed', observation, attempt }, now)
  if (decision.kind === 'rejected') throw new Error(`${machine.kind} refused an observation: ${decision.code}`)
  const changed = await apply(tx, machine, state, decision)
  if (decision.act === null) {
    const next = restOf(decision.wake, changed, now)
    if (next.kind === 'rest') await finish(tx, lease, next.wake, seen)
    return next
  }
  const opened = await openAttempt(tx, lease.subject, decision.act, { epoch: lease.epoch, now })
  return { kind: 'act', attempt: opened, seen }
}

async function wantedNow(tx: Tx, lease: HeldLease): Promise<number> {
  const [wanted = 0] = await readWanted(tx, [lease])
  return wanted
}

/** Something changed and the next look is due at once: it is taken under the same lease. */
function restOf(wake: Instant | null, changed: boolean, now: Instant): Rest {
  if (changed && wake !== null && wake <= now) return { kind: 'look-again' }
  return { kind: 'rest', wake: restUntil(wake, changed, now) }
}

const shortestRestMs = 200

/** A decision that changed nothing and wants to be asked again at once would be asked for ever: it waits a little. */
export function restUntil(wake: Instant | null, changed: boolean, now: Instant): Instant | null {
  return wake === null || changed ? wake : Math.max(wake, now + shortestRestMs)
}
