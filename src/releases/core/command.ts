import type { Decision } from '../../core/decision.ts'
import type { Instant } from '../../core/instant.ts'
import { queued } from './create.ts'
import { operationEvent, withoutHooks } from './events.ts'
import type {
  CallerCommand,
  NewOperation,
  Operation,
  Release,
  ReleaseAct,
  ReleaseState,
  ReleaseStatus,
} from './model.ts'
import { ended } from './outcome.ts'
import { shownStatus, untilBegun } from './shown.ts'
import {
  allowedCommands,
  type CommandKind,
  commandTable,
  openOperation,
  type Situation,
  situationOf,
} from './situation.ts'

export type ReleaseDecision = Decision<ReleaseState, ReleaseAct>

/** What a command does to a release (SPEC section 3, the table of status and command). Pure; starts no act. */
export function decideCommand(state: ReleaseState, command: CallerCommand, now: Instant): ReleaseDecision {
  if (command.kind === 'cancel') return cancel(state, command.operationId, now)
  const situation = situationOf(state)
  const answer = commandTable[situation][command.kind]
  if (answer !== 'allowed') return refused(state, situation, answer)
  const moved = 'ifRevision' in command ? refusedRevision(state, command.ifRevision) : null
  if (moved !== null) return moved
  if (command.kind === 'rollback') return rollback(state, situation, command.operation, now)
  if (command.kind === 'recover') return recover(state, situation, command.operation, command.force, now)
  return accept(state, command.kind, command.operation, now)
}

type Refusal = Extract<ReleaseDecision, { kind: 'rejected' }>

/** Why a command that was made for a revision is refused; null where the release is at it, or none is named. */
export function refusedRevision(state: ReleaseState, expected: number | undefined): Refusal | null {
  if (expected === undefined || expected === state.release.revision) return null
  const detail = `the release is at revision ${state.release.revision}, not ${expected}`
  return { kind: 'rejected', code: 'revision_moved', detail, extra: { revision: state.release.revision } }
}

/** Why the release cannot go back to a revision, whatever its status is; null where it can. */
export function refusedRollback(state: ReleaseState, target: number | null): Refusal | null {
  if (!state.revisions.some(({ revision }) => revision === target)) {
    return { kind: 'rejected', code: 'revision_not_found', detail: `the release has no revision ${target}` }
  }
  if (target !== state.release.revision) return null
  return { kind: 'rejected', code: 'current_revision', detail: `revision ${target} is the current one` }
}

function rollback(state: ReleaseState, situation: Situation, wanted: NewOperation, now: Instant): ReleaseDecision {
  const target = wanted.request.targetRevision
  const refusal = refusedRollback(state, target)
  if (refusal !== null) return refusal
  const there = state.revisions.find(({ revision }) => revision === target)
  if (situation === 'failedInstall' && there?.verdict !== 'DEPLOYED') {
    return { kind: 'rejected', code: 'nothing_to_roll_back_to', detail: 'no revision of the release ended DEPLOYED' }
  }
  return accept(state, 'rollback', wanted, now)
}

function recover(
  state: ReleaseState,
  situation: Situation,
  wanted: NewOperation,
  force: boolean,
  now: Instant,
): ReleaseDecision {
  if (situation !== 'external') return unchanged(state)
  if (!force) {
    const detail = 'another hand made the pending revision: only {"force": true} settles it'
    return { kind: 'rejected', code: 'pending_elsewhere', detail }
  }
  return accept(state, 'recover', wanted, now)
}

const pendingStatus: Readonly<Record<CommandKind, ReleaseStatus | null>> = {
  upgrade: 'PENDING_UPGRADE',
  rollback: 'PENDING_ROLLBACK',
  uninstall: null,
  recover: null,
}

/** Takes an operation on: it is queued, and the release says that it is pending. */
export function accept(state: ReleaseState, kind: CommandKind, wanted: NewOperation, now: Instant): ReleaseDecision {
  const { release } = state
  const before = { status: release.status, attemptedChartVersion: release.attemptedChartVersion }
  const operation = queued(wanted, kind, before, now)
  const next: Release = {
    ...release,
    status: pendingStatus[kind] ?? release.status,
    attemptedChartVersion: attemptedVersion(release, operation),
    waitingFor: untilBegun(kind === 'uninstall' ? 'UNINSTALLING' : 'QUEUED'),
    updatedAt: now,
  }
  const events = [operationEvent(next, operation, 'requested', withoutHooks(operation))]
  return { kind: 'next', state: { ...state, release: next, operation }, act: null, events, wake: now }
}

function attemptedVersion(release: Release, operation: Operation): string | null {
  if (operation.kind === 'uninstall' || operation.kind === 'recover') return release.attemptedChartVersion
  const { chartVersion } = operation.request
  return chartVersion === release.chartVersion ? null : chartVersion
}

/** SPEC section 1: QUEUED changes nothing; running helm rollbacks and uninstalls are not interruptible (409). */
function cancel(state: ReleaseState, operationId: string, now: Instant): ReleaseDecision {
  const operation = openOperation(state)
  if (operation === null || operation.id !== operationId) {
    return { kind: 'rejected', code: 'not_cancellable', detail: 'the operation has ended' }
  }
  if (operation.request.heldBy !== null) return ofExecution(operation.request.heldBy)
  if (operation.phase.name === 'queued') {
    return ended(state, operation, { status: 'CANCELLED', error: null }, operation.before, now)
  }
  if (!interruptible(operation)) {
    const detail = `a running ${operation.reverting === null ? operation.kind : 'rollback'} cannot be interrupted`
    return { kind: 'rejected', code: 'not_cancellable', detail }
  }
  const asked: Operation = { ...operation, cancelRequested: true }
  return { kind: 'next', state: { ...state, operation: asked }, act: null, events: [], wake: now }
}

/** An operation of an execution ends with it: the execution is what can be cancelled. */
function ofExecution(executionId: string): ReleaseDecision {
  const detail = `it belongs to the upgrade execution ${executionId}: cancel that`
  return { kind: 'rejected', code: 'not_cancellable', detail, extra: { executionId } }
}

/** True while the operation may still be cancelled: helm's install and upgrade, and every wait of ours. */
export function interruptible(operation: Operation): boolean {
  if (operation.reverting !== null) return false
  if (operation.phase.name === 'waiting' || operation.phase.name === 'removing') return true
  return operation.kind === 'install' || operation.kind === 'upgrade'
}

/** The refusal of a command by the table, with what callers need to go on. */
export function refused(
  state: ReleaseState,
  situation: Situation,
  code: Exclude<(typeof commandTable)[Situation][CommandKind], 'allowed'>,
): ReleaseDecision {
  const open = openOperation(state)
  const detail = `the release ${state.release.name} is ${describe(state, situation)}`
  const extra = {
    releaseId: state.release.id,
    releaseStatus: shownStatus(state.release),
    allowed: [...allowedCommands(state)],
    ...(open === null ? {} : { operationId: open.id }),
    ...(state.release.claim === null ? {} : { executionId: state.release.claim.executionId }),
  }
  return { kind: 'rejected', code, detail, extra }
}

/** What another hand is at. `uninstalling` leaves the status as it was (SPEC section 3, the table). */
export const ofAnotherHand = ({ status }: Pick<Release, 'status'>): string =>
  isPendingStatus(status) ? `${status} by another hand` : 'being uninstalled by another hand'

const isPendingStatus = (status: ReleaseStatus): boolean => status.startsWith('PENDING_')

function describe(state: ReleaseState, situation: Situation): string {
  const { status, claim } = state.release
  const open = openOperation(state)
  if (situation === 'claimed') return `held by the upgrade execution ${claim?.executionId}`
  if (open !== null) return `${status}: its ${open.kind} ${open.id} is in progress`
  if (situation === 'external') {
    const more = isPendingStatus(status) ? '' : ', then uninstall it'
    return `${ofAnotherHand(state.release)}. If its helm has died, a platform admin settles it: recover with force${more}`
  }
  if (situation === 'failedUninstall')
    return 'half uninstalled: its last uninstall did not finish. Uninstall it again, where a hook hinders with hooks=false'
  return status
}

/** Nothing is to be done. */
export function unchanged(state: ReleaseState): ReleaseDecision {
  return { kind: 'next', state, act: null, events: [], wake: null }
}
