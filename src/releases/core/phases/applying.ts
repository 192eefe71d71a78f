import type { ActFailure, Attempt, AttemptResult } from '../../../core/decision.ts'
import type { DomainEvent } from '../../../core/events.ts'
import type { ReleaseDecision } from '../command.ts'
import { operationEvent } from '../events.ts'
import type { HelmRevision, Operation, Phase, ReleaseAct, RevisionRecord } from '../model.ts'
import { isBaseline, isOurs, isPending, objectsBefore } from '../ownership.ts'
import { cutOff, planApply, planSettle } from '../plan.ts'
import { fail } from './failing.ts'
import {
  failureIn,
  failureOf,
  goOn,
  type Look,
  ownRecord,
  type PhaseHandler,
  toRecords,
  whileApplying,
} from './look.ts'
import { supersedeFirst } from './superseding.ts'
import { anotherHand } from './yielding.ts'

type Applying = Extract<Phase, { name: 'applying' }>

/**
 * How often an act is carried out that was interrupted after it had begun, or by helm's own doing (DESIGN.md, the table of acts
 * and crashes). What was lost with its worker before it wrote anything is no try (docs/adr/0063).
 */
export const mostTries = 3

/** Looks at what became of the act: who wrote the newest revision, and how the attempt ended. */
export const applying: PhaseHandler<Applying> = (look, phase) => {
  const { attempt } = look
  if (attempt === null || attempt.act.operationId !== look.operation.id) return again(look, phase, { failure: null })
  if (attempt.act.kind === 'uninstall') return uninstalled(look, phase, attempt)
  return deployed(look, phase, attempt)
}

function deployed(look: Look, phase: Applying, attempt: Attempt<ReleaseAct>): ReleaseDecision {
  const { seen, state, operation } = look
  if (seen.kind === 'absent') return nothingThere(look, phase, attempt)
  const { newest } = seen
  if (isOurs(state, operation, attempt, newest)) return ours(look, phase, attempt, newest)
  if (!isBaseline(attempt, newest)) return anotherHand(look, `revision ${newest.revision} was made by another hand`)
  return notWritten(look, phase, attempt)
}

/** Helm has no record: nothing was written yet, or all of it was removed by another hand. */
function nothingThere(look: Look, phase: Applying, attempt: Attempt<ReleaseAct>): ReleaseDecision {
  const removed = attempt.failure?.code === 'changed_by_another_hand'
  if (removed || !isBaseline(attempt, null)) return anotherHand(look, 'Helm has no record of the release any more')
  return notWritten(look, phase, attempt)
}

function notWritten(look: Look, phase: Applying, attempt: Attempt<ReleaseAct>): ReleaseDecision {
  const { result, failure } = attempt
  if (result === 'interrupted') return again(look, phase, { failure, isNoTry: isLostWithWorker(failure) })
  return fail(look, failureOf(attempt, { code: 'helm_failed', detail: 'helm ended without making a revision' }))
}

/** Nobody has said how it ended, or only that its worker stopped: that is nothing against the act. */
const isLostWithWorker = (failure: ActFailure | null): boolean => failure === null || failure.workerStopped === true

function ours(look: Look, phase: Applying, attempt: Attempt<ReleaseAct>, newest: HelmRevision): ReleaseDecision {
  if (newest.status === 'deployed') return supersedeFirst(look, newest)
  if (newest.status === 'uninstalled' || newest.status === 'uninstalling')
    return anotherHand(look, `revision ${newest.revision} was uninstalled by another hand`)
  if (isPending(newest)) return leftPending(look, phase, attempt, newest)
  if (!repeats(look, phase, attempt, newest))
    return failAct(look, attempt, { code: 'helm_failed', detail: safeDescription(newest) })
  if (objectsBefore(attempt, newest) === undefined)
    return again(look, phase, { failure: attempt.failure, mirrored: [abandoned(look, newest)] })
  const { revision } = newest
  const code = attempt.failure?.code ?? 'interrupted'
  const event = operationEvent(look.state.release, look.operation, 'repeating', { revision, code })
  return settleToRepeat(look, phase, attempt, newest, event)
}

/**
 * An act that was cut off; and once a rollback that failed on what its own record tells helm of then. What is not told even
 * then is not the release's.
 */
function repeats(look: Look, { tries, mended }: Applying, attempt: Attempt<ReleaseAct>, newest: HelmRevision): boolean {
  const { result, act, failure } = attempt
  const mends = act.kind === 'rollback' && isUnrecorded(failure) && mended !== true
  return (result === 'interrupted' || mends) && tries < mostTries && canRepeat(look, newest)
}

const isUnrecorded = (failure: ActFailure | null): boolean => failure?.code === 'object_unrecorded'

/** Its record is to say that it was not the end, and what helm is to find in it. */
function settleToRepeat(
  look: Look,
  phase: Applying,
  attempt: Attempt<ReleaseAct>,
  newest: HelmRevision,
  event: DomainEvent,
): ReleaseDecision {
  const before = objectsBefore(attempt, newest)
  const lacks = `failed: revision ${before} lacks an object that is there; repeated`
  const act = planSettle(look.operation, newest, attempt.result === 'interrupted' ? cutOff : lacks, look.now, before)
  const next = { kind: 'again', ...(attempt.failure === null ? {} : { failure: attempt.failure }) } as const
  return toRecords(look, newest, { name: 'settling', next, tries: phase.tries }, act, [event])
}

/** Our helm is gone and left the revision pending: it is settled, then the act is carried out again; or it has failed. */
function leftPending(look: Look, phase: Applying, attempt: Attempt<ReleaseAct>, newest: HelmRevision): ReleaseDecision {
  const event = operationEvent(look.state.release, look.operation, 'interrupted', { revision: newest.revision })
  if (repeats(look, phase, attempt, newest)) return settleToRepeat(look, phase, attempt, newest, event)
  return failAct(look, attempt, leftInTheMiddle(look, phase, attempt.result), [event])
}

/** An interrupted upgrade with hooks has run some of them: running them twice is not ours to decide. */
function canRepeat({ operation }: Look, newest: HelmRevision): boolean {
  if (operation.cancelRequested || operation.verdict?.kind === 'failed') return false
  const runsHooks = operation.request.hasHooks && /\b(?:pre|post)-upgrade\b/.test(newest.hooks)
  return operation.reverting !== null || operation.kind !== 'upgrade' || !runsHooks
}

/** Why what was left pending is not carried out again. */
function leftInTheMiddle(look: Look, { tries }: Applying, result: AttemptResult | null): ActFailure {
  if (result !== 'interrupted') return { code: 'helm_failed', detail: 'helm ended in the middle' }
  const hooks =
    'the operation was interrupted in the middle; some of its hooks may have run, so it is not repeated by itself'
  return whyNoMore(look, tries) ?? { code: 'interrupted', detail: hooks }
}

/** Nobody wants it any more, or it was tried often enough; null where neither is so. */
function whyNoMore({ operation }: Look, tries: number): ActFailure | null {
  if (operation.cancelRequested) return { code: 'cancelled', detail: 'the operation was cancelled' }
  if (operation.verdict?.kind === 'failed') return failureIn(operation.verdict)
  if (tries < mostTries) return null
  return { code: 'interrupted', detail: `the operation was cut off ${tries} times and is not carried out again` }
}

function safeDescription(newest: HelmRevision): string {
  return `helm marked revision ${newest.revision} as ${newest.status}`
}

/**
 * A revision of ours that was cut off and settled: history says so, and the operation goes on without it. Its manifest stays
 * as it was rendered, whatever helm was told since.
 */
export function abandoned(look: Look, newest: HelmRevision): RevisionRecord {
  const own = { ...ownRecord(look, newest, 'FAILED'), description: newest.description }
  const isMirrored = look.state.revisions.some(({ secretUid }) => secretUid === newest.secretUid)
  return isMirrored ? { ...own, content: null } : own
}

/** How the try before ended, and what it left to mirror. `isNoTry`: it was none, and does not count. */
type Before = {
  readonly failure: ActFailure | null
  readonly mirrored?: readonly RevisionRecord[]
  readonly isNoTry?: boolean
}

/** Carries the act out once more, within the same deadline; too often or too late ends it, with what the try before said. */
export function again(
  look: Look,
  phase: { readonly tries: number },
  { failure, mirrored = [], isNoTry = false }: Before,
): ReleaseDecision {
  const { operation, seen, now } = look
  const deadline = operation.deadline ?? now
  const tries = isNoTry ? phase.tries - 1 : phase.tries
  const end = (why: ActFailure) => fail(look, behind(failure, why))
  const over = whyNoMore(look, tries)
  if (over !== null) return end(over)
  if (now >= deadline)
    return end({ code: 'timed_out', detail: 'the deadline passed before the operation could be repeated' })
  const mended = isUnrecorded(failure) ? ({ mended: true } as const) : {}
  const next: Operation = { ...operation, phase: { name: 'applying', tries: tries + 1, ...mended } }
  return goOn(look, {
    operation: next,
    act: planApply(next, seen, deadline),
    waitingFor: whileApplying(next),
    mirrored,
  })
}

/** A failure that is the end because of another one before it: what that one said stays. */
function behind(before: ActFailure | null, { code, detail }: ActFailure): ActFailure {
  if (before === null) return { code, detail }
  const { evidence } = before
  return { code, detail: `${before.detail}; ${detail}`, ...(evidence === undefined ? {} : { evidence }) }
}

/** A frozen release leaves nothing of its freeze behind, also on objects that are kept. */
export function gone({ state }: Look): Phase {
  return state.release.frozen === null ? { name: 'removing' } : { name: 'restoring', next: 'removing' }
}

/** What helm has deleted must be gone before it is over. */
function goneByHelm(look: Look): Phase {
  const phase = gone(look)
  return phase.name === 'removing' ? { ...phase, byHelm: true } : phase
}

function uninstalled(look: Look, phase: Applying, attempt: Attempt<ReleaseAct>): ReleaseDecision {
  const { seen, operation } = look
  if (seen.kind === 'absent') return goOn(look, { operation: { ...operation, phase: goneByHelm(look) } })
  if (!isBaseline(attempt, seen.newest)) return anotherHand(look, 'the release was installed again by another hand')
  if (attempt.result === 'interrupted') return again(look, phase, attempt)
  return failAct(look, attempt, { code: 'helm_failed', detail: 'helm left its record of the release' })
}

/** The act has failed for good; `otherwise`: what is said where it has not told why. */
function failAct(
  look: Look,
  attempt: Attempt<ReleaseAct>,
  otherwise: ActFailure,
  events: readonly DomainEvent[] = [],
): ReleaseDecision {
  return fail(look, failureOf(attempt, otherwise), events)
}
