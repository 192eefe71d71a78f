import type { ActFailure, Attempt, PlannedAct, Waiting } from '../../../core/decision.ts'
import type { DomainEvent } from '../../../core/events.ts'
import type { Instant } from '../../../core/instant.ts'
import type { ReleaseDecision } from '../command.ts'
import { observedOf } from '../follow.ts'
import {
  type Absent,
  type Conclusion,
  type HelmRevision,
  nothingOverwritten,
  type Operation,
  type Overwritten,
  type Phase,
  type Present,
  type Release,
  type ReleaseAct,
  type ReleaseState,
  type RevisionRecord,
  type Verdict,
} from '../model.ts'
import { recordOf } from '../revisions.ts'

/** Everything that a phase decides from: the state with its open operation, and what was seen. */
export type Look = {
  readonly state: ReleaseState
  readonly operation: Operation
  readonly attempt: Attempt<ReleaseAct> | null
  readonly seen: Present | Absent
  readonly now: Instant
}
type Working = Pick<Look, 'state' | 'operation'>
export type PhaseHandler<P extends Phase> = (look: Look, phase: P) => ReleaseDecision

/** What goes with a step from one phase to the next. */
export type Step = {
  readonly operation: Operation
  readonly act?: PlannedAct<ReleaseAct> | null
  readonly waitingFor?: Waiting | null
  readonly events?: readonly DomainEvent[]
  readonly mirrored?: readonly RevisionRecord[]
  readonly release?: Partial<Release>
  /** Absent: at once when there is an act or a new phase to go on with, else the time `waitingFor` tells. */
  readonly wake?: Instant | null
}

/** The next state of an operation that goes on. */
export function goOn(look: Look, step: Step): ReleaseDecision {
  const { state, now } = look
  const release: Release = {
    ...state.release,
    ...step.release,
    waitingFor: step.waitingFor === undefined ? state.release.waitingFor : step.waitingFor,
    updatedAt: now,
  }
  return {
    kind: 'next',
    state: { ...state, release, operation: step.operation, mirrored: step.mirrored ?? [] },
    act: step.act ?? null,
    events: step.events ?? [],
    wake: step.wake === undefined ? (step.waitingFor?.until ?? now) : step.wake,
  }
}

/** What is waited for while helm acts: until the operation's deadline at the latest. */
export function whileApplying({ kind, reverting, deadline }: Operation): Waiting {
  if (reverting !== null) return { reason: 'ROLLING_BACK', until: deadline }
  return { reason: kind === 'uninstall' ? 'UNINSTALLING' : 'APPLYING', until: deadline }
}

/** What is waited for while an act brings Helm's record of a revision that was cut off to an end. */
export const whileSettling = ({ deadline }: PlannedAct<ReleaseAct>): Waiting => ({
  reason: 'SETTLING',
  until: deadline,
})

/** The operation's own revision as it is mirrored, with the verdict that we give it rather than Helm. */
export function ownRecord(look: Working, newest: HelmRevision, verdict: Verdict): RevisionRecord {
  const { operation } = look
  const author = {
    performedBy: operation.performedBy,
    operationId: operation.id,
    chartDigest: digestOf(look),
    description: operation.request.description ?? newest.description,
  }
  return { ...recordOf(newest, author), verdict, appVersion: appVersionOf(look, newest) }
}

/** `appVersion` is a recorded label: the request's, on the way back that of the target, else the chart's (SPEC section 3). */
export function appVersionOf({ state, operation }: Working, newest: HelmRevision): string | null {
  const { reverting, request } = operation
  if (reverting === null) return request.appVersion ?? newest.appVersion
  const target = state.revisions.find((revision) => revision.revision === reverting.target)
  return target?.appVersion ?? newest.appVersion
}

/** A rollback brings back the chart of its target; everything else deploys the requested one. */
function digestOf({ state, operation }: Working): string | null {
  const target = operation.reverting?.target ?? operation.request.targetRevision
  const there = target === null ? undefined : state.revisions.find((revision) => revision.revision === target)
  return there?.chartDigest ?? operation.request.chartDigest
}

/** How the operation's revision shows while it runs: the way back of an upgrade is a rollback. */
export function pendingVerdict({ state, operation }: Working): Verdict {
  return operation.reverting === null ? state.release.status : 'PENDING_ROLLBACK'
}

/** The step to an act on Helm's records: the phase waits for it, and history has our revision as it runs. */
export function toRecords(
  look: Look,
  newest: HelmRevision,
  phase: Phase,
  act: PlannedAct<ReleaseAct>,
  events: readonly DomainEvent[] = [],
): ReleaseDecision {
  return goOn(look, {
    operation: { ...look.operation, phase },
    act,
    waitingFor: whileSettling(act),
    release: revisionFields(newest),
    mirrored: [ownRecord(look, newest, pendingVerdict(look))],
    events,
  })
}

/** What was seen of other hands' fields that the rollback which is next takes. */
export const overwrittenIn = (seen: Look['seen']): Overwritten =>
  (seen.kind === 'present' ? seen.overwritten : null) ?? nothingOverwritten

/** What the release says of the newest revision while or after an operation of ours made it. */
export function revisionFields(newest: HelmRevision): Partial<Release> {
  return { revision: newest.revision, secretUid: newest.secretUid, observed: observedOf(newest) }
}

/** What the execution says of its operation, as the failure that it is. */
export function failureIn({ code, detail }: Extract<Conclusion, { kind: 'failed' }>): ActFailure {
  return { code, detail }
}

export function failureOf(attempt: Attempt<ReleaseAct> | null, otherwise: ActFailure): ActFailure {
  return attempt?.failure ?? otherwise
}
