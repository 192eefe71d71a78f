import type { DomainEvent } from '../../core/events.ts'
import type { JsonObject } from '../../core/json.ts'
import { releaseEvent } from './events.ts'
import type {
  Absent,
  HelmRevision,
  ObservedRevision,
  Present,
  Release,
  ReleaseState,
  Remains,
  RevisionRecord,
  RevisionSummary,
} from './model.ts'
import { isPending } from './ownership.ts'
import {
  type Author,
  external,
  isUnderWay,
  recordOf,
  saysComplete,
  statusOfHelm,
  uninstalledRevision,
  verdictAmong,
  verdictOf,
} from './revisions.ts'
import { waitAtRest } from './shown.ts'
import { isWithoutEffect } from './without-effect.ts'

/** What following Helm's storage makes of a release: the release as it then is, what to mirror, what to tell. */
export type Followed = {
  readonly release: Release
  readonly mirrored: readonly RevisionRecord[]
  readonly events: readonly DomainEvent[]
}

/** True when Helm's newest record is the one, in the very write, that was looked at last. */
export function isKnown(release: Release, newest: HelmRevision): boolean {
  return release.observed?.secretUid === newest.secretUid && release.observed.resourceVersion === newest.resourceVersion
}

/**
 * True when another hand has moved a release that no execution holds out of its freeze (SPEC section 3, the table). A
 * mere write to the same revision does not, nor does a late write of ours, nor a revision without effect.
 */
export function endsFreeze(state: ReleaseState, seen: Present | Absent): boolean {
  const { release, operation } = state
  if (release.frozen === null || release.claim !== null || operation === null) return false
  if (release.frozen.over || seen.kind === 'absent') return true
  if (isWithoutEffect(seen)) return false
  if (isKnown(release, seen.newest) || isTouched(release, seen.newest)) return false
  return isByOther(state, seen)
}

/** What is still pending is taken for another hand's: a late write of ours is settled before it is followed. */
function isByOther(state: ReleaseState, { newest, unknown }: Present): boolean {
  return isPending(newest) || authorOf(state, newest, unknown) === external
}

/** The same revision, in the same status, in whatever write. */
function isTouched(release: Release, newest: HelmRevision): boolean {
  return release.secretUid === newest.secretUid && release.status === statusOfHelm(newest.status)
}

/** "Follows Helm" of SPEC section 3's table: what another hand did becomes what the release says. */
export function follow(state: ReleaseState, seen: Present | Absent): Followed {
  return seen.kind === 'absent' ? followAbsence(state, seen) : followPresence(state, seen)
}

function followAbsence(state: ReleaseState, seen: Absent): Followed {
  const { release } = state
  const neverThere = release.revision === 0 && state.revisions.length === 0
  if (release.status === 'UNINSTALLED' || neverThere || !gone(release, seen))
    return { release, mirrored: [], events: [] }
  const after: Release = {
    ...release,
    ...atRest,
    frozen: untilUnclaimed(release),
    waitingFor: waitAtRest(release),
    status: 'UNINSTALLED',
    leftovers: whatStays(seen),
    ...byHand,
  }
  return {
    release: after,
    mirrored: uninstalledRevision(state),
    events: [releaseEvent(after, 'uninstalled')],
  }
}

/** A half uninstalled release is gone only when its objects are; otherwise Helm's record decides. */
function gone(release: Release, seen: Present | Absent): boolean {
  return release.failedKind !== 'uninstall' || (seen.remains?.gone ?? false)
}

/** What stays of a release, whether it was to stay or not. */
export function leftoversOf({ leftovers, remaining }: Remains): Release['leftovers'] {
  return [...leftovers, ...remaining]
}

const whatStays = ({ remains }: Present | Absent): Release['leftovers'] =>
  remains === null ? [] : leftoversOf(remains)

/** How a reinstall by another hand looks to the release that it replaces. */
const replaced: Absent = {
  kind: 'absent',
  remains: { gone: true, deleting: false, blockers: [], remaining: [], leftovers: [] },
}

/** Another hand uninstalled it, whoever made its last revision. */
const byHand = { health: null, performedBy: external.performedBy } as const

/** While an execution holds the release its workloads are not ours to touch: the freeze that it found is ended after it. */
const untilUnclaimed = ({ claim, frozen }: Release): Release['frozen'] => (claim === null ? null : frozen)

/** What is no longer true of a release once Helm's storage has been followed. */
const atRest = { pendingBy: null, frozen: null, attemptedChartVersion: null } as const

function followPresence(state: ReleaseState, seen: Present): Followed {
  const { newest } = seen
  const { release: before } = state
  // What reappears under the name of an uninstalled release is a new one (SPEC section 3, the table).
  const stays = before.status === 'UNINSTALLED' || (newest.status === 'uninstalled' && !gone(before, seen))
  if (stays || isKnown(before, newest)) return { release: before, mirrored: [], events: [] }
  if (isReinstalled(state, newest)) return followAbsence(state, replaced)
  if (state.release.frozen !== null && isTouched(state.release, newest)) return written(state.release, newest)
  const mirrored = [...cutOff(state, newest), ...recordsOf(state, seen)]
  const followed = releaseOf(state.release, newest, mirrored.at(-1)?.performedBy ?? state.release.performedBy)
  const staysFrozen = isWithoutEffect(seen) || !isByOther(state, seen)
  const left = staysFrozen ? state.release.frozen : untilUnclaimed(state.release)
  const removed = followed.status === 'UNINSTALLED' ? { leftovers: whatStays(seen), ...byHand } : {}
  const release = { ...followed, frozen: left, ...removed }
  const what = release.status === 'UNINSTALLED' ? 'uninstalled' : 'changed'
  const events = changed(state.release, release) ? [releaseEvent(release, what, stillFrozen(state, seen))] : []
  return { release, mirrored, events }
}

/** Said where another hand's revision would have ended a freeze, had it changed anything. */
const stillFrozen = ({ release }: ReleaseState, seen: Present): JsonObject =>
  release.frozen !== null && release.claim === null && isWithoutEffect(seen) ? { reason: 'STILL_FROZEN' } : {}

/** Another write of a frozen release's revision: nothing of it has moved. */
function written(release: Release, newest: HelmRevision): Followed {
  return { release: { ...release, observed: observedOf(newest) }, mirrored: [], events: [] }
}

/** Revisions start at 1 again after a reinstall: another UID of a number that is known, or a lower number, is a new release. */
export function isReinstalled(state: ReleaseState, newest: HelmRevision): boolean {
  const same = state.revisions.find((revision) => revision.revision === newest.revision)
  if (same !== undefined) return same.secretUid !== newest.secretUid
  return newest.revision < state.release.revision
}

/** A revision that was pending when a newer one came never ended well, though helm's part of it may have. */
function cutOff(state: ReleaseState, newest: HelmRevision): readonly RevisionRecord[] {
  return state.revisions
    .filter(({ verdict, secretUid }) => verdict.startsWith('PENDING_') && secretUid !== newest.secretUid)
    .map((known) => ({ ...known, verdict: 'FAILED', description: cutOffText(known.description), content: null }))
}

const cutOffText = (description: string | null): string | null =>
  isUnderWay(description) || saysComplete(description) ? 'overtaken before it had ended' : description

/** What is not mirrored yet, and the newest when it now ended otherwise: of older ones the mirror knows best. */
function recordsOf(state: ReleaseState, { unknown, newest }: Present): readonly RevisionRecord[] {
  return [...unknown, newest].flatMap((revision) => {
    const known = state.revisions.find(({ secretUid }) => secretUid === revision.secretUid)
    const verdict = verdictAmong(verdictOf(revision), revision === newest)
    if (known === undefined) return [{ ...recordOf(revision, authorOf(state, revision, unknown)), verdict }]
    return revision === newest && known.verdict !== verdict ? [recordOf(revision, sameAuthor(known, revision))] : []
  })
}

/**
 * What is known of who made it stays; the description is Helm's, as it now reads, unless one of ours was given, or what now
 * stands there is said of an uninstall.
 */
function sameAuthor(
  { performedBy, operationId, chartDigest, description }: RevisionSummary,
  { status }: HelmRevision,
): Author {
  const isHelms = isUnderWay(description) || (operationId === null && status !== 'uninstalled')
  return { performedBy, operationId, chartDigest, description: isHelms ? null : description }
}

/**
 * A revision that carries the label of our newest operation is ours, also when its write arrives late. Only the first
 * that does: an upgrade by hand inherits the label of the revision before it.
 */
function authorOf(state: ReleaseState, revision: HelmRevision, unknown: readonly HelmRevision[]) {
  const { operation } = state
  if (operation === null || revision.operationId !== operation.id) return external
  if (state.revisions.some((known) => known.operationId === operation.id)) return external
  const first = unknown.find(({ operationId }) => operationId === operation.id) ?? revision
  if (first.secretUid !== revision.secretUid) return external
  return { performedBy: operation.performedBy, operationId: operation.id, chartDigest: operation.request.chartDigest }
}

function releaseOf(release: Release, newest: HelmRevision, performedBy: string): Release {
  const status = statusOfHelm(newest.status)
  const base: Release = {
    ...release,
    revision: newest.revision,
    secretUid: newest.secretUid,
    observed: observedOf(newest),
  }
  if (status === null) return { ...base, pendingBy: newest.status === 'uninstalling' ? 'external' : release.pendingBy }
  const next: Release = {
    ...base,
    ...atRest,
    waitingFor: waitAtRest(release),
    status,
    performedBy,
    description: newest.description,
  }
  if (status === 'DEPLOYED') return { ...next, ...deployedFields(newest) }
  const attemptedChartVersion = newest.chartVersion === release.chartVersion ? null : newest.chartVersion
  if (status === 'FAILED')
    return { ...next, failedKind: release.everDeployed ? 'upgrade' : 'install', attemptedChartVersion }
  return { ...next, pendingBy: status === 'UNINSTALLED' ? null : 'external', attemptedChartVersion }
}

/** What a revision that ended DEPLOYED says about its release (SPEC section 3: stored overrides, chartVersion). */
export function deployedFields(newest: HelmRevision): Partial<Release> {
  return {
    chart: newest.chart,
    chartVersion: newest.chartVersion,
    appVersion: newest.appVersion,
    values: newest.values,
    attemptedChartVersion: null,
    failedKind: null,
    everDeployed: true,
  }
}

export function observedOf(newest: HelmRevision): ObservedRevision {
  return { secretUid: newest.secretUid, resourceVersion: newest.resourceVersion }
}

function changed(before: Release, after: Release): boolean {
  return before.status !== after.status || before.secretUid !== after.secretUid || before.pendingBy !== after.pendingBy
}
