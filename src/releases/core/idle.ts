import type { Attempt } from '../../core/decision.ts'
import { type Instant, minutes, seconds } from '../../core/instant.ts'
import { pauseAfter } from '../../core/pauses.ts'
import type { ReleaseDecision } from './command.ts'
import { releaseEvent } from './events.ts'
import { endsFreeze, follow, isKnown } from './follow.ts'
import { recountFrozen } from './frozen-count.ts'
import { followTraffic } from './frozen-traffic.ts'
import type { Absent, Present, Release, ReleaseAct, ReleaseState } from './model.ts'
import { unsettledBeneath } from './overtaken.ts'
import { isBaseline, isOurs, isPending } from './ownership.ts'
import { healthOf } from './phases/waiting.ts'
import { planFrozen, planSettle } from './plan.ts'
import { removalMs } from './removal.ts'
import { freezeJudged } from './without-effect.ts'

/** Why a release shows what it was: nothing is concluded from not seeing. */
export const unreadableReason = 'CLUSTER_UNREADABLE'

/** No operation is open: the release follows Helm, and a late write of an operation that has ended is settled. */
export function decideIdle(
  known: ReleaseState,
  seen: Present | Absent,
  attempt: Attempt<ReleaseAct> | null,
  now: Instant,
): ReleaseDecision {
  const state = seen.kind === 'present' ? freezeJudged(known, seen) : known
  const late = lateWrite(state, seen, attempt, now)
  if (late !== null) return late
  const going = beingRemoved(state, seen, now)
  if (going !== null) return going
  const thawing = thaw(state, seen, attempt, now)
  if (thawing !== null) return thawing
  const thawed = withoutOver(readable(state))
  const followed = follow(thawed, seen)
  const release =
    followed.release === state.release
      ? state.release
      : { ...followed.release, ...healthSeen(followed.release, seen, now), updatedAt: now }
  const next = { ...state, release, mirrored: followed.mirrored }
  const told = thawed.release.frozen === state.release.frozen || followed.events.length > 0
  const events = told ? followed.events : [releaseEvent(release, 'changed')]
  const decided = { kind: 'next', state: next, act: null, events, wake: nextLook(release, now) } as const
  return followTraffic(recountFrozen(decided, seen, now), seen, attempt, now)
}

/** How many instances were there before says nothing of what another hand has deployed: it may have no workloads. */
function healthSeen(after: Release, seen: Present | Absent, now: Instant): Partial<Release> {
  if (seen.kind === 'absent' || seen.readiness === null || after.status !== 'DEPLOYED') return {}
  return { health: healthOf(seen.readiness, now) }
}

/** Where nothing is to be taken off any more, a freeze that another hand has ended is gone. */
function withoutOver(state: ReleaseState): ReleaseState {
  const { release } = state
  if (!release.frozen?.over || release.claim !== null) return state
  return { ...state, release: { ...release, frozen: null, waitingFor: null } }
}

function readable(state: ReleaseState): ReleaseState {
  if (state.release.waitingFor?.reason !== unreadableReason) return state
  return { ...state, release: { ...state.release, waitingFor: null } }
}

/** Another hand ends a freeze: the workloads get their own fields back, so that its change takes effect (SPEC section 3). */
function thaw(
  state: ReleaseState,
  seen: Present | Absent,
  attempt: Attempt<ReleaseAct> | null,
  now: Instant,
): ReleaseDecision | null {
  const { operation, release } = state
  if (operation === null || !endsFreeze(state, seen)) return null
  // One that ended an earlier freeze took those gates off, and not these.
  const before = lastRestore(attempt, operation.id, seen)
  if (before?.result === 'done') return null
  const tries = before?.act.tries ?? (before === null ? 0 : 1)
  const due = before === null ? now : (before.endedAt ?? before.startedAt) + pauseAfter(restorePauses, tries)
  const waitingFor = { reason: 'THAWING', until: Math.max(now, due), ...whyRefused(before) }
  const waiting = { ...state, release: { ...release, waitingFor } }
  if (now < due) return { kind: 'next', state: waiting, act: null, events: [], wake: due }
  const act = planFrozen({ kind: 'restore', operationId: operation.id, tries: tries + 1 }, seen, now)
  return { kind: 'next', state: waiting, act, events: [], wake: now }
}

/** What is refused now may not be for long; where Flotilla may not write the workloads, every try would be one in vain. */
const restorePauses = { firstMs: seconds(2), longestMs: minutes(5) } as const

type Restore = Extract<ReleaseAct, { kind: 'restore' }>

/** The newest attempt, where it was to take the gates off for the revision that there is now. */
function lastRestore(
  attempt: Attempt<ReleaseAct> | null,
  operationId: Restore['operationId'],
  seen: Present | Absent,
): (Attempt<ReleaseAct> & { readonly act: Restore }) | null {
  if (attempt?.act.kind !== 'restore' || attempt.act.operationId !== operationId) return null
  const isOfNow = isBaseline(attempt, seen.kind === 'present' ? seen.newest : null)
  return isOfNow ? { ...attempt, act: attempt.act } : null
}

function whyRefused(before: Attempt<ReleaseAct> | null): { readonly detail?: string } {
  const failure = before?.failure ?? null
  if (failure === null) return {}
  return { detail: `the workloads do not get their own fields back (${failure.code}): ${failure.detail}` }
}

/** UNINSTALLED means that the objects are gone, also when another hand uninstalls: what is being deleted is waited for. */
function beingRemoved(state: ReleaseState, seen: Present | Absent, now: Instant): ReleaseDecision | null {
  const { release } = state
  if (!seen.remains?.deleting || release.claim !== null) return null
  if (release.status === 'UNINSTALLED' || release.failedKind === 'uninstall') return null
  const known = release.waitingFor?.reason === 'UNINSTALLING' ? release.waitingFor.until : null
  const until = known ?? now + removalMs
  if (now >= until) return null
  const waitingFor = { reason: 'UNINSTALLING', until, detail: seen.remains.blockers.join('; ') }
  return {
    kind: 'next',
    state: { ...state, release: { ...release, waitingFor } },
    act: null,
    events: [],
    wake: now + seconds(1),
  }
}

/** How long until remains of an unfinished uninstall are looked at again. */
const remainsRetryMs = seconds(30)

function nextLook(release: ReleaseState['release'], now: Instant): Instant | null {
  const unfinished = release.status === 'FAILED' && release.failedKind === 'uninstall'
  return unfinished ? now + remainsRetryMs : null
}

/** A write forwarded just before its lease ended may arrive after the operation has ended (SPEC section 3, "Recovery"). */
function lateWrite(
  state: ReleaseState,
  seen: Present | Absent,
  attempt: Attempt<ReleaseAct> | null,
  now: Instant,
): ReleaseDecision | null {
  const { operation, release } = state
  if (seen.kind === 'absent' || operation === null) return null
  const { newest } = seen
  const isLate = isPending(newest) && !isKnown(release, newest) && isOurs(state, operation, attempt, newest)
  const own = isLate ? newest : unsettledBeneath(state, operation, attempt, seen)
  if (own === null) return null
  const pauseOver = (attempt?.endedAt ?? 0) + seconds(1)
  if (now < pauseOver) return { kind: 'next', state, act: null, events: [], wake: pauseOver }
  const act = planSettle(operation, own, 'a late write of an ended operation; settled by Flotilla', now)
  return { kind: 'next', state, act, events: [], wake: now }
}
