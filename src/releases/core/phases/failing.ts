import type { ActFailure } from '../../../core/decision.ts'
import type { DomainEvent } from '../../../core/events.ts'
import type { Instant } from '../../../core/instant.ts'
import type { Json } from '../../../core/json.ts'
import type { ReleaseDecision } from '../command.ts'
import { operationEvent } from '../events.ts'
import type { ActionKind, HelmRevision, Operation, Phase, Release, ReleaseState } from '../model.ts'
import { ended } from '../outcome.ts'
import { isBaseline, isOurs, isPending, objectsBefore } from '../ownership.ts'
import { cutOff, deadlineFrom, planApply, planSettle } from '../plan.ts'
import { revisionBefore } from '../way-back.ts'
import {
  goOn,
  type Look,
  overwrittenIn,
  ownRecord,
  type PhaseHandler,
  revisionFields,
  toRecords,
  whileApplying,
} from './look.ts'
import { asItWas, triesBefore } from './untouched.ts'
import { withWayOut } from './way-out.ts'
import { anotherHand } from './yielding.ts'

type Failing = Extract<Phase, { name: 'failing' }>

/** The operation cannot succeed any more. Evidence is read by the next look, before anything else is touched. */
export function fail(look: Look, failure: ActFailure, events: readonly DomainEvent[] = []): ReleaseDecision {
  const tries = triesBefore(look)
  const phase: Failing = { name: 'failing', failure, ...(tries === null ? {} : { tries }) }
  const operation: Operation = { ...look.operation, phase }
  return goOn(look, { operation, events, wake: look.now })
}

/** Keeps the evidence and makes Helm's storage agree that the revision failed. */
export const failing: PhaseHandler<Failing> = (look, phase) => {
  const { seen } = look
  if (seen.kind === 'present' && isForeign(look, seen.newest)) {
    return anotherHand(look, `revision ${seen.newest.revision} was made by another hand`)
  }
  const evidence = seen.kind === 'present' ? seen.evidence : null
  const kept = withEvidence(look, evidence ?? undefined)
  const left = seen.kind === 'present' ? seen.leftByHook : null
  const atHelm = phase.tries !== undefined
  const failure = withWayOut(withHook(phase.failure, left), look.operation, { left, atHelm })
  const newest = ownUnsettled(kept)
  return newest === null ? conclude(kept, failure, phase.tries) : settle(kept, newest, failure)
}

/** The hook is told where the act itself could not tell it. */
function withHook(failure: ActFailure, hook: string | null): ActFailure {
  return hook === null ? failure : { ...failure, detail: `${failure.detail}; ${hook}` }
}

/** Neither ours nor what was there before: written by another hand meanwhile. */
function isForeign({ state, operation, attempt }: Look, newest: HelmRevision): boolean {
  if (isOurs(state, operation, attempt, newest)) return false
  const before = attempt !== null && isBaseline(attempt, newest)
  return !before && !state.revisions.some((known) => known.secretUid === newest.secretUid)
}

/** Our revision, if Helm does not call it failed yet, or does not know from it of all that may be there. */
function ownUnsettled({ state, operation, attempt, seen }: Look): HelmRevision | null {
  if (seen.kind === 'absent' || seen.newest.status === 'uninstalling') return null
  if (seen.newest.status === 'failed' && objectsBefore(attempt, seen.newest) === undefined) return null
  return isOurs(state, operation, attempt, seen.newest) ? seen.newest : null
}

function settle(look: Look, newest: HelmRevision, failure: ActFailure): ReleaseDecision {
  const next = { kind: 'conclude', failure } as const
  const before = objectsBefore(look.attempt, newest)
  // Helm leaves a rollback pending whose hook has failed: nothing has interrupted it.
  const isCutOff = isPending(newest) && look.attempt?.result === 'interrupted'
  const reason = isCutOff ? cutOff : `failed: ${failure.code}`
  const act = planSettle(look.operation, newest, reason, look.now, before)
  return toRecords(look, newest, { name: 'settling', next, tries: 1 }, act)
}

/** Ends the operation, or begins the way back of an `atomic` one. */
export function conclude(look: Look, failure: ActFailure, tries: number | null = null): ReleaseDecision {
  const target = wayBack(look)
  const kept = withEvidence(look, failure.evidence)
  if (target !== undefined) return revert(kept, failure, target)
  const untouched = asItWas(kept, tries)
  return untouched === null ? endFailed(kept, failure) : endRefused(kept, failure, untouched)
}

/** Nothing was changed: the operation has failed, the release has not. */
function endRefused(
  { state, operation, now }: Look,
  failure: ActFailure,
  untouched: Partial<Release>,
): ReleaseDecision {
  const change = { ...untouched, ...askedFor(state.release, operation) }
  return ended(state, operation, { status: 'FAILED', error: errorOf(operation, failure) }, change, now)
}

/** The first evidence is kept: it is of what went wrong, and not of the way back. */
export function withEvidence(look: Look, evidence: Json | undefined): Look {
  return { ...look, operation: { ...look.operation, evidence: look.operation.evidence ?? evidence ?? null } }
}

/** Where an atomic operation goes back to: a revision, null for an uninstall, undefined for nowhere. */
function wayBack(look: Look): number | null | undefined {
  const { operation, state, seen } = look
  if (!operation.request.atomic || operation.reverting !== null) return undefined
  if (seen.kind === 'absent') return operation.kind === 'install' ? null : undefined
  if (!isOurs(state, operation, look.attempt, seen.newest)) return undefined
  if (operation.kind === 'install') return null
  if (operation.kind !== 'upgrade') return undefined
  return revisionBefore(state, seen.newest.revision)
}

function revert(look: Look, failure: ActFailure, target: number | null): ReleaseDecision {
  const { operation, now, seen, state } = look
  const deadline = deadlineFrom(operation, now)
  const reverting: Operation = {
    ...operation,
    reverting: { failure, target },
    deadline,
    phase: { name: 'applying', tries: 1 },
    cancelRequested: false,
    overwritten: overwrittenIn(seen),
  }
  const newest = seen.kind === 'present' ? seen.newest : null
  return goOn(look, {
    operation: reverting,
    act: planApply(reverting, seen, deadline),
    release: newest === null ? {} : revisionFields(newest),
    mirrored: newest === null ? [] : [ownRecord(look, newest, 'FAILED')],
    events: [operationEvent(state.release, operation, 'reverting', { code: failure.code, target })],
    waitingFor: whileApplying(reverting),
  })
}

/** FAILED, with Helm's newest revision of ours called failed too. */
export function endFailed(look: Look, failure: ActFailure): ReleaseDecision {
  const { operation, state, seen, now, attempt } = look
  const newest = seen.kind === 'present' ? seen.newest : null
  const own = newest !== null && isOurs(state, operation, attempt, newest) ? [ownRecord(look, newest, 'FAILED')] : []
  const change: Partial<Release> = {
    ...(newest === null ? {} : revisionFields(newest)),
    ...askedFor(state.release, operation),
    status: 'FAILED',
    failedKind: failedKind(operation),
    performedBy: operation.performedBy,
    description: operation.request.description,
  }
  return ended(state, operation, { status: 'FAILED', error: errorOf(operation, failure) }, change, now, own)
}

/** FAILED without a look: the cluster cannot be read, and nothing is said of what is there. */
export function endUnseen(
  state: ReleaseState,
  operation: Operation,
  failure: ActFailure,
  now: Instant,
): ReleaseDecision {
  const change: Partial<Release> = {
    ...askedFor(state.release, operation),
    status: 'FAILED',
    failedKind: failedKind(operation),
    performedBy: operation.performedBy,
  }
  return ended(state, operation, { status: 'FAILED', error: errorOf(operation, failure) }, change, now)
}

/** Until a revision has ended DEPLOYED, what is stored is what was asked for last (SPEC section 3). */
function askedFor({ everDeployed }: Release, { kind, request }: Operation): Partial<Release> {
  if (everDeployed || (kind !== 'install' && kind !== 'upgrade')) return {}
  const { chartVersion, appVersion, values } = request
  return { chartVersion, appVersion, values, attemptedChartVersion: null }
}

function failedKind(operation: Operation): ActionKind {
  if (operation.reverting !== null && operation.reverting.target === null) return 'uninstall'
  return operation.kind === 'recover' ? 'upgrade' : operation.kind
}

function errorOf(operation: Operation, failure: ActFailure) {
  if (operation.reverting === null) return { code: failure.code, detail: failure.detail }
  const first = operation.reverting.failure
  return { code: 'rollback_failed', detail: `${first.detail}; the way back failed too: ${failure.detail}` } as const
}
