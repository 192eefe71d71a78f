import { type Instant, seconds } from '../../../core/instant.ts'
import type { ReleaseDecision } from '../command.ts'
import { endsFreeze, type Followed, follow, leftoversOf } from '../follow.ts'
import type { Phase, Release, RevisionRecord, StoredRevision } from '../model.ts'
import { ended } from '../outcome.ts'
import { overtaken, unsettledBeneath } from '../overtaken.ts'
import { isOurs, isPending } from '../ownership.ts'
import { planSettle } from '../plan.ts'
import { removalMs } from '../removal.ts'
import { isUnderWay, verdictAmong, verdictOf, withMirror } from '../revisions.ts'
import { waitAtRest } from '../shown.ts'
import { goOn, type Look, ownRecord, type PhaseHandler, whileSettling } from './look.ts'

type Yielding = Extract<Phase, { name: 'yielding' }>

/** A write of our helm that was forwarded just before it was ended has arrived after so long. */
const lateMs = seconds(2)
const paceMs = seconds(1)
const whyOvertaken = 'overtaken by another hand; settled by Flotilla'

/**
 * Another hand was there: the operation fails and the release follows Helm (SPEC section 3, the table's last column). Not
 * before our own revision, if the other hand's hides one, is settled, and nothing of our helm can arrive any more.
 */
export function anotherHand(look: Look, what: string): ReleaseDecision {
  const failure = look.attempt?.act.operationId === look.operation.id ? look.attempt.failure : null
  const detail = failure?.code === 'changed_by_another_hand' ? `${what}; ${failure.detail}` : what
  return yielding(look, { name: 'yielding', what: detail, until: lateUntil(look) })
}

/** Settles what is ours, waits for what may still arrive, and gives way to the other hand. */
export const yielding: PhaseHandler<Yielding> = (look, phase) => {
  const { seen, now } = look
  const own = seen.kind === 'present' ? unsettled(look) : null
  if (own !== null) return settleOwn(look, phase, own)
  if (now < phase.until) return wait(look, phase, phase.until)
  if (!isRemoved(look)) return giveWay(look, phase.what)
  // What is left is read by the next look: this one was made for another phase.
  if (seen.remains === null) return wait(look, phase, now)
  const mayWait = seen.remains.deleting && now < phase.until + removalMs
  return mayWait ? wait(look, phase, now + paceMs) : giveWay(look, phase.what)
}

/** Another hand has uninstalled it, with or without its history. */
const isRemoved = ({ seen }: Look): boolean => seen.kind === 'absent' || seen.newest.status === 'uninstalled'

/** Only a helm that did not end by itself may have a write under way. */
function lateUntil({ operation, attempt, now }: Look): Instant {
  if (attempt === null || attempt.act.operationId !== operation.id || attempt.result === 'done') return now
  return attempt.act.kind === 'settle' ? now : Math.max(now, (attempt.endedAt ?? now) + lateMs)
}

function unsettled({ state, operation, attempt, seen }: Look): StoredRevision | null {
  if (seen.kind === 'absent') return null
  const { newest } = seen
  if (isPending(newest) && isOurs(state, operation, attempt, newest)) return newest
  return unsettledBeneath(state, operation, attempt, seen)
}

/** It is mirrored as ours by the same step: afterwards no attempt tells any more who made it. */
function settleOwn(look: Look, phase: Yielding, own: StoredRevision): ReleaseDecision {
  const { operation, attempt, now } = look
  const tried = attempt?.act.kind === 'settle' && attempt.act.secretUid === own.secretUid
  const pauseOver = tried ? (attempt.endedAt ?? now) + paceMs : now
  if (now < pauseOver) return wait(look, phase, pauseOver)
  const act = planSettle(operation, own, whyOvertaken, now)
  return goOn(look, {
    operation: { ...operation, phase },
    act,
    waitingFor: whileSettling(act),
    mirrored: ownOvertaken(look, 'FAILED').map((record) => settledAs(record, whyOvertaken)),
  })
}

/** History says what Helm's record is about to say. */
function settledAs(record: RevisionRecord, reason: string): RevisionRecord {
  return isUnderWay(record.description) ? { ...record, description: reason } : record
}

function wait(look: Look, phase: Yielding, until: Instant): ReleaseDecision {
  const waitingFor = { reason: 'SETTLING', until }
  return goOn(look, { operation: { ...look.operation, phase }, waitingFor, mirrored: ownOvertaken(look, null) })
}

/** Our revision that the newest hides, if it is not mirrored yet; without a verdict of ours Helm's word decides. */
function ownOvertaken(look: Look, verdict: 'FAILED' | null): readonly RevisionRecord[] {
  const { state, operation, attempt, seen } = look
  if (seen.kind === 'absent') return []
  const own = overtaken(state, operation, attempt, seen)
  return own === null ? [] : [ownRecord(look, own, verdict ?? verdictAmong(verdictOf(own), own === seen.newest))]
}

function giveWay(look: Look, what: string): ReleaseDecision {
  const own = ownOvertaken(look, null)
  const followed = followUnlessFrozen(look, own)
  const error = { code: 'changed_by_another_hand', detail: what } as const
  const { release } = followed
  const change = { ...release, waitingFor: waitAtRest(release), ...atEnd(look, release) }
  const mirrored = [...own, ...followed.mirrored]
  const decision = ended(look.state, look.operation, { status: 'FAILED', error }, change, look.now, mirrored)
  return decision.kind === 'next'
    ? { ...decision, events: [...decision.events, ...followed.events], wake: look.now }
    : decision
}

/** A freeze is ended first, by the next look: the other hand's change takes effect and is then followed. */
function followUnlessFrozen({ state, seen }: Look, own: readonly RevisionRecord[]): Followed {
  if (endsFreeze(state, seen)) return { release: state.release, mirrored: [], events: [] }
  return follow(withMirror({ ...state, mirrored: own }), seen)
}

/** A status that still says PENDING because of our own operation becomes what it was before. */
function atEnd({ operation, state, seen }: Look, release: Release): Partial<Release> {
  const ours =
    release.status === state.release.status && release.status.startsWith('PENDING_') && release.pendingBy === null
  if (!ours) return { status: release.status }
  const { status } = operation.before
  if (status !== 'UNINSTALLED' || seen.kind === 'present' || seen.remains === null) return { status }
  return { status, leftovers: leftoversOf(seen.remains) }
}
