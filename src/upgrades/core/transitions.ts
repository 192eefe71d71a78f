import type { Instant } from '../../core/instant.ts'
import type { Execution, ExecutionStatus } from './model.ts'
import { isTerminal } from './model.ts'
import type { StatusReason } from './reasons.ts'

/**
 * Every step that an execution may take: the table of `seeds/004` with the steps that SPEC section 5 adds, and no others.
 * PAUSED and CANARY_MONITORING end FAILED for another hand or a target that is gone only.
 */
export const transitionTable: Readonly<Record<ExecutionStatus, readonly ExecutionStatus[]>> = {
  PENDING: ['VALIDATING', 'CANCELLED'],
  VALIDATING: ['IN_PROGRESS', 'CANARY_RUNNING', 'FAILED', 'CANCELLED'],
  IN_PROGRESS: ['PAUSED', 'COMPLETED', 'FAILED', 'ROLLING_BACK', 'CANCELLED'],
  CANARY_RUNNING: ['CANARY_MONITORING', 'PAUSED', 'FAILED', 'CANCELLED'],
  CANARY_MONITORING: ['IN_PROGRESS', 'ROLLING_BACK', 'CANCELLED', 'FAILED'],
  PAUSED: ['IN_PROGRESS', 'CANARY_RUNNING', 'CANCELLED', 'FAILED'],
  ROLLING_BACK: ['ROLLED_BACK', 'FAILED', 'CANCELLED'],
  ROLLED_BACK: [],
  COMPLETED: [],
  FAILED: [],
  CANCELLED: [],
}

/** Who moved an execution, when and why. */
export type Mover = { readonly at: Instant; readonly by: string; readonly reason: string | null }

/** How decisions of Flotilla's own are shown in `by`. */
export const flotilla = 'flotilla'

/** The only place where a status changes; the step is recorded. Throws for a step that is not in the table. */
export function moveTo(execution: Execution, to: ExecutionStatus, { at, by, reason }: Mover): Execution {
  const from = execution.status
  if (!transitionTable[from].includes(to)) throw new Error(`no execution goes from ${from} to ${to}`)
  const transitions = [...execution.transitions, { from, to, at, by, reason }]
  return { ...execution, status: to, transitions }
}

/** Several steps at once, in one transaction, that start nothing. */
export function moveThrough(execution: Execution, path: readonly ExecutionStatus[], mover: Mover): Execution {
  return path.reduce((state, status) => moveTo(state, status, mover), execution)
}

/** The end: nothing is claimed and nothing moves from here on. `code` is what `statusReason` says. */
export function finish(execution: Execution, to: ExecutionStatus, code: StatusReason | null, mover: Mover): Execution {
  if (!isTerminal(to)) throw new Error(`${to} ends nothing`)
  return {
    ...moveTo(execution, to, mover),
    statusReason: code,
    stage: 'done',
    stageSince: mover.at,
    ending: null,
    pausedFrom: null,
    waitingFor: null,
    blindSince: null,
    nextLookAt: null,
    refusedSince: null,
    batchLeft: 0,
    nextBatchAt: null,
    claiming: false,
    endedAt: mover.at,
  }
}
