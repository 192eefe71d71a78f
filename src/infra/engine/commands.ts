import type { Decision } from '../../core/decision.ts'
import { Problem } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import { transaction } from '../database/pool.ts'
import type { Db, Tx } from '../database/types.ts'
import type { Share } from './shares.ts'
import type { Machine } from './types.ts'
import { wake } from './work.ts'

/** What a command needs besides its machine. */
export type CommandContext = { readonly db: Db; readonly now: () => number }

/**
 * Carries a command out in one transaction: locks the subject, decides, saves, records the events and wakes the
 * subject. Returns the new state. Throws the `Problem` of a refusal, `not_found` when there is no such subject, and
 * `CommitUnknown`: then the caller must read back before it answers.
 */
export async function execute<S, C, O, A extends { readonly kind: string }>(
  context: CommandContext,
  machine: Machine<S, C, O, A>,
  id: Uuid,
  command: C,
): Promise<S> {
  return transaction(context.db, (tx) => executeIn(tx, machine, id, { command, now: context.now() }))
}

/**
 * The same within an open transaction, for commands that concern several subjects. Lock them in the order of their ids.
 * A refused command has written nothing, so the transaction may go on without it.
 */
export async function executeIn<S, C, O, A extends { readonly kind: string }>(
  tx: Tx,
  machine: Machine<S, C, O, A>,
  id: Uuid,
  given: Given<C>,
): Promise<S> {
  const before = await machine.load(tx, id, { lock: true })
  if (before === null) throw new Problem('not_found', `There is no ${machine.kind} ${id}`)
  return executeOn(tx, machine, { id, state: before }, given)
}

/** `share` is told where it is not the one that the machine tells. */
type Given<C> = { readonly command: C; readonly now: number; readonly share?: Share | undefined }

/** The same for a subject that the transaction has loaded with its lock already. */
export async function executeOn<S, C, O, A extends { readonly kind: string }>(
  tx: Tx,
  machine: Machine<S, C, O, A>,
  { id, state: before }: { readonly id: Uuid; readonly state: S },
  { command, now, share = machine.share?.(before) }: Given<C>,
): Promise<S> {
  const decision = accepted(machine.decide(before, { kind: 'command', command }, now))
  if (decision.act !== null)
    throw new Error(`A command must not act: ${machine.kind} decided on ${decision.act.act.kind}`)
  await apply(tx, machine, before, decision)
  await wake(tx, { kind: machine.kind, id }, { share })
  return decision.state
}

type Next<S, A> = Extract<Decision<S, A>, { kind: 'next' }>

function accepted<S, A>(decision: Decision<S, A>): Next<S, A> {
  if (decision.kind === 'next') return decision
  throw new Problem(decision.code, decision.detail, decision.extra === undefined ? {} : { extra: decision.extra })
}

/** Writes what a decision changed, and its events. The subject's row must be locked. Returns whether it changed anything. */
export async function apply<S, C, O, A extends { readonly kind: string }>(
  tx: Tx,
  machine: Machine<S, C, O, A>,
  before: S,
  decision: Next<S, A>,
): Promise<boolean> {
  const { state: after, events } = decision
  const changed = after !== before || events.length > 0
  if (changed) await machine.save(tx, { before, after, events })
  return changed
}
