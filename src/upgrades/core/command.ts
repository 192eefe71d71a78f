import type { Decision } from '../../core/decision.ts'
import { type Instant, seconds } from '../../core/instant.ts'
import { templateChanged } from './edited.ts'
import { isCanaryGone } from './empty.ts'
import { eventsBetween } from './events.ts'
import type { CommandKind, Execution, ExecutionAct, ExecutionCommand, ExecutionStatus } from './model.ts'
import { commandKinds, isTerminal } from './model.ts'
import { statusReasons, waits } from './reasons.ts'
import { hasFailedCanary, stopReasonOf } from './stopping.ts'
import { finish, moveTo } from './transitions.ts'
import { chooseNobody, endAs, enter, stop, turnBack } from './turns.ts'

export type ExecutionDecision = Decision<Execution, ExecutionAct>

type Command<K extends CommandKind> = ExecutionCommand & { readonly kind: K }
type Handlers = { readonly [K in CommandKind]: (execution: Execution, command: Command<K>, now: Instant) => Execution }
const handlers: Handlers = { start, pause, resume, promote, rollback, cancel }

/** SPEC section 5, "Status x command": what is valid in which status. Complete by type. */
export const commandTable: Readonly<Record<ExecutionStatus, Readonly<Record<CommandKind, boolean>>>> = {
  PENDING: allow('start', 'cancel'),
  VALIDATING: allow('cancel'),
  IN_PROGRESS: allow('pause', 'rollback', 'cancel'),
  CANARY_RUNNING: allow('pause', 'rollback', 'cancel'),
  CANARY_MONITORING: allow('promote', 'rollback', 'cancel'),
  PAUSED: allow('resume', 'rollback', 'cancel'),
  ROLLING_BACK: allow('cancel'),
  ROLLED_BACK: allow(),
  COMPLETED: allow(),
  FAILED: allow(),
  CANCELLED: allow(),
}

function allow(...kinds: readonly CommandKind[]): Record<CommandKind, boolean> {
  const may = (kind: CommandKind): boolean => kinds.includes(kind)
  return {
    start: may('start'),
    pause: may('pause'),
    resume: may('resume'),
    promote: may('promote'),
    rollback: may('rollback'),
    cancel: may('cancel'),
  }
}

/** The commands that the execution would take now. While it ends, only a cancel that does not wait. */
export function validCommands(execution: Execution): readonly CommandKind[] {
  if (execution.ending !== null) return isInterruptible(execution) ? ['cancel'] : []
  const row = commandTable[execution.status]
  return commandKinds.filter((kind) => row[kind] && !(kind === 'promote' && whyNotPromoted(execution) !== null))
}

/** What a command does. Pure; starts no act. What is not valid now is `wrong_status`, with the valid ones. */
export function decideCommand(execution: Execution, command: ExecutionCommand, now: Instant): ExecutionDecision {
  const valid = validCommands(execution)
  const waits = command.kind === 'cancel' && execution.ending !== null && !command.immediate
  if (!valid.includes(command.kind) || waits) return refused(execution, command.kind, valid)
  const handler = handlers[command.kind] as (execution: Execution, command: ExecutionCommand, now: Instant) => Execution
  const state = handler(execution, command, now)
  return {
    kind: 'next',
    state,
    act: null,
    events: eventsBetween(execution, state),
    wake: isTerminal(state.status) ? null : now,
  }
}

/** What callers name a command: the last part of its path. */
export const commandNames: Readonly<Record<CommandKind, string>> = {
  start: 'start',
  pause: 'pause',
  resume: 'resume',
  promote: 'promote-canary',
  rollback: 'rollback',
  cancel: 'cancel',
}

function refused(execution: Execution, kind: CommandKind, kinds: readonly CommandKind[]): ExecutionDecision {
  const valid = kinds.map((each) => commandNames[each])
  const now = valid.length === 0 ? 'no command is' : `valid now: ${valid.join(', ')}`
  const detail = `the execution is ${describe(execution)}: ${commandNames[kind]} is not valid${hint(execution, kind)}; ${now}`
  const { status, waitingFor } = execution
  return {
    kind: 'rejected',
    code: 'wrong_status',
    detail,
    extra: {
      executionStatus: status,
      valid,
      ...(waitingFor === null ? {} : { waitingFor: waitingFor.reason }),
    },
  }
}

function describe({ status, ending }: Execution): string {
  return ending === null ? status : `${status}, on its way to ${ending.to}`
}

function hint(execution: Execution, kind: CommandKind): string {
  if (execution.ending !== null && isInterruptible(execution)) return ', only a cancel with immediate=true is'
  const why = kind === 'promote' ? whyNotPromoted(execution) : null
  return why === null ? '' : `: ${why}`
}

/** Null where nothing but the status may stand in the way. */
function whyNotPromoted(execution: Execution): string | null {
  if (hasFailedCanary(execution)) return 'an instance of the canary failed, or it could not be proved'
  if (typeof execution.editedSince === 'number') return templateChanged
  const isGone = isCanaryGone(execution) || typeof execution.emptySince === 'number'
  return isGone ? 'there is no instance of the canary' : null
}

/** True while instances in flight may still be waited for. */
function isInterruptible({ ending }: Execution): boolean {
  return ending !== null && !ending.immediate && (ending.to === 'CANCELLED' || ending.to === 'FAILED')
}

const moverOf = ({ by, reason }: ExecutionCommand, now: Instant) => ({ at: now, by, reason })

function start(execution: Execution, command: Command<'start'>, now: Instant): Execution {
  const moved = moveTo(execution, 'VALIDATING', moverOf(command, now))
  const waitingFor = { reason: waits.checks, until: now }
  const { claims = execution.claims, takesOver = execution.takesOver } = command
  return {
    ...enter(moved, 'checking', now),
    claims,
    takesOver,
    claiming: true,
    startedAt: now,
    waitingFor,
    statusReason: null,
  }
}

/** What was chosen and not let go waits again; what was let go settles. The batch goes on where it stopped. */
function pause(execution: Execution, command: Command<'pause'>, now: Instant): Execution {
  const pausedFrom = execution.status === 'CANARY_RUNNING' ? 'CANARY_RUNNING' : 'IN_PROGRESS'
  const left = execution.batchLeft
  const moved = moveTo(chooseNobody(execution), 'PAUSED', moverOf(command, now))
  const waitingFor = { reason: waits.paused, until: now + seconds(1) }
  return { ...moved, pausedFrom, batchLeft: left, statusReason: statusReasons.paused, waitingFor, starvedSince: null }
}

/**
 * Goes on, unless failures that were counted meanwhile stop it now: judged here, and begun by the worker. The step out of
 * PAUSED is who resumed it; what then follows of itself is Flotilla's.
 */
function resume(execution: Execution, command: Command<'resume'>, now: Instant): Execution {
  const to = execution.pausedFrom ?? 'IN_PROGRESS'
  const approved = execution.statusReason === statusReasons.approval
  const mover = moverOf(command, now)
  const approval = { by: command.by, at: now, batch: execution.currentBatch, reason: command.reason }
  const stopped = stopReasonOf(execution)
  const resumed: Execution = {
    ...moveTo(execution, to, mover),
    pausedFrom: null,
    statusReason: null,
    // Nothing was concluded meanwhile, and the gate may have stayed shut: what is waited for has all its time from now on.
    stageSince: execution.stage === 'opening' || execution.stage === 'verifying' ? now : execution.stageSince,
    waitingFor: { reason: waits.instances, until: now },
    ...(approved ? { approvals: [...execution.approvals, approval], nextBatchAt: now } : {}),
  }
  return stopped === null ? resumed : stop(resumed, stopped.code, stopped.detail, now)
}

function promote(execution: Execution, command: Command<'promote'>, now: Instant): Execution {
  const moved = moveTo(execution, 'IN_PROGRESS', moverOf(command, now))
  const waitingFor = { reason: waits.instances, until: now }
  return { ...moved, promotedBy: command.by, statusReason: null, nextBatchAt: now, waitingFor }
}

function rollback(execution: Execution, command: Command<'rollback'>, now: Instant): Execution {
  return turnBack(execution, statusReasons.rolledBack, moverOf(command, now))
}

function cancel(execution: Execution, command: Command<'cancel'>, now: Instant): Execution {
  const { ending, status } = execution
  if (ending !== null) return { ...execution, ending: { ...ending, immediate: true } }
  const reason = statusReasons.cancelled
  if (status === 'PENDING' || status === 'VALIDATING') {
    return finish(execution, 'CANCELLED', reason, moverOf(command, now))
  }
  const { by, immediate, reason: note } = command
  return endAs(execution, { to: 'CANCELLED', reason, code: 'cancelled', by, note, immediate }, now)
}
