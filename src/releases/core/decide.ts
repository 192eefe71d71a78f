/*
 * The life of an operation on a release. Every arrow is one committed decision; the acts are in brackets.
 *
 *   queued ──[install|upgrade|rollback|uninstall]──▶ applying ──done──▶ waiting ──ready──▶ SUCCEEDED
 *     │                                                │  │  ╲            │
 *   cancel ▶ CANCELLED        interrupted, pending ────┘  │   uninstall   └─ time over, cancelled, failed for good
 *                                   │                     │      ╲                      │
 *                               [settle] settling      failed    removing               ▼
 *                                   │ again: applying     └───────────────────────▶ failing (evidence is read)
 *                                                                                       │ [settle] settling
 *                          atomic: reverting, from `applying` once more ◀── conclude ◀──┘
 *                                                                              └─▶ FAILED
 *
 * Where helm could not call the revision before superseded, `superseding` [supersede] does, between `applying` and `waiting`.
 *
 * On a frozen release `halting` [halt] comes before `applying`, and `restoring` [restore] behind it. The operation of an
 * execution goes from `applying` to `held` in place of `waiting`, and from there to SUCCEEDED or `failing` by its verdict.
 *
 * Another hand may overtake an operation in any phase: `yielding` [settle] ends what our helm left of it, and FAILED is next.
 *
 * Without an open operation the release follows Helm: what another hand did becomes what it says.
 */
import type { ActFailure, Attempt, Decide } from '../../core/decision.ts'
import type { Instant } from '../../core/instant.ts'
import { decideCommand, type ReleaseDecision } from './command.ts'
import { decideForExecution, isOfExecution } from './execution.ts'
import { decideIdle, unreadableReason } from './idle.ts'
import type { Operation, Phase, ReleaseAct, ReleaseCommand, ReleaseObservation, ReleaseState } from './model.ts'
import { applying } from './phases/applying.ts'
import { endUnseen, failing } from './phases/failing.ts'
import { held } from './phases/held.ts'
import type { Look, PhaseHandler } from './phases/look.ts'
import { queued } from './phases/queued.ts'
import { removing } from './phases/removing.ts'
import { settling } from './phases/settling.ts'
import { superseding } from './phases/superseding.ts'
import { halting, restoring } from './phases/thawing.ts'
import { waiting } from './phases/waiting.ts'
import { yielding } from './phases/yielding.ts'
import { unbegun } from './shown.ts'
import { openOperation } from './situation.ts'

/** The decision function of releases. Pure. */
export const decideRelease: Decide<ReleaseState, ReleaseCommand, ReleaseObservation, ReleaseAct> = (
  state,
  input,
  now,
) => {
  if (input.kind === 'command') return decideAsked(state, input.command, now)
  const operation = openOperation(state)
  if (input.observation.kind === 'unreadable') return unreadable(state, operation, input.observation.why, now)
  if (operation === null) return decideIdle(state, input.observation, input.attempt, now)
  return byPhase(state, operation, input.attempt, input.observation, now)
}

/** Callers meet the table of status and command; an execution has the releases that it holds to itself. */
function decideAsked(state: ReleaseState, command: ReleaseCommand, now: Instant): ReleaseDecision {
  return isOfExecution(command) ? decideForExecution(state, command, now) : decideCommand(state, command, now)
}

type PhaseHandlers = { readonly [N in Phase['name']]: PhaseHandler<Extract<Phase, { name: N }>> }
const handlers: PhaseHandlers = {
  queued,
  halting,
  applying,
  settling,
  superseding,
  restoring,
  waiting,
  held,
  failing,
  removing,
  yielding,
}

function byPhase(
  state: ReleaseState,
  operation: Operation,
  attempt: Attempt<ReleaseAct> | null,
  seen: Look['seen'],
  now: Instant,
): ReleaseDecision {
  const look: Look = { state, operation, attempt, seen, now }
  const handler = handlers[operation.phase.name] as PhaseHandler<Phase>
  return handler(look, operation.phase)
}

/** How long until a cluster that cannot be read is asked again. */
const unreadableRetryMs = 3_000

/** Nothing is concluded from not seeing: the release says what it waits for and looks again. */
function unreadable(state: ReleaseState, operation: Operation | null, why: string, now: Instant): ReleaseDecision {
  const over = operation === null ? null : givenUp(operation, now)
  if (operation !== null && over !== null) return endUnseen(state, operation, over, now)
  const until = now + unreadableRetryMs
  const waitingFor = { reason: unreadableReason, until, detail: why }
  const release = {
    ...state.release,
    waitingFor: operation?.phase.name === 'queued' ? unbegun(waitingFor) : waitingFor,
  }
  return { kind: 'next', state: { ...state, release }, act: null, events: [], wake: until }
}

/**
 * Why an operation that only waits ends without another look: its caller does not want to wait any longer, or its time
 * is over. One whose act may have left something behind goes on until that can be seen.
 */
function givenUp(operation: Operation, now: Instant): ActFailure | null {
  const { name } = operation.phase
  if (name !== 'waiting' && name !== 'removing') return null
  if (operation.cancelRequested)
    return { code: 'cancelled', detail: 'the operation was cancelled; the cluster cannot be read' }
  if (now < (operation.deadline ?? now)) return null
  return { code: 'timed_out', detail: 'the time was over while the cluster could not be read' }
}
