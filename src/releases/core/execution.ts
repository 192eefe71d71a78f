import type { Instant } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import { accept, type ReleaseDecision, refused, unchanged } from './command.ts'
import { claimEvent } from './events.ts'
import type { Claim, ExecutionCommand, Frozen, Release, ReleaseCommand, ReleaseState } from './model.ts'
import { ended } from './outcome.ts'
import { waitAtRest } from './shown.ts'
import { commandTable, openOperation, situationOf } from './situation.ts'
import { standsOfHand } from './without-effect.ts'

type Of<K extends ExecutionCommand['kind']> = Extract<ExecutionCommand, { kind: K }>
type Deciders = {
  readonly [K in ExecutionCommand['kind']]: (s: ReleaseState, c: Of<K>, now: Instant) => ReleaseDecision
}

const deciders: Deciders = { claim, show, unclaim, order, conclude }

/** True for what only an upgrade execution asks for. */
export function isOfExecution(command: ReleaseCommand): command is ExecutionCommand {
  return command.kind in deciders
}

/**
 * What an upgrade execution may do with the releases that it holds (SPEC section 5, "A claimed release"). Each is
 * repeatable: asked again, it changes nothing. Pure; starts no act.
 */
export function decideForExecution(state: ReleaseState, command: ExecutionCommand, now: Instant): ReleaseDecision {
  const decide = deciders[command.kind] as (s: ReleaseState, c: ExecutionCommand, now: Instant) => ReleaseDecision
  return decide(state, command, now)
}

/** What takes no upgrade takes no execution either. A frozen release is taken over as it is: nothing of it moves. */
function claim(state: ReleaseState, { executionId }: Of<'claim'>, now: Instant): ReleaseDecision {
  if (holds(state, executionId)) return unchanged(state)
  if (state.release.frozen?.over) return movedMeanwhile(state)
  const situation = situationOf(state)
  const answer = commandTable[situation].upgrade
  if (answer !== 'allowed') return refused(state, situation, answer)
  const held: Claim = { executionId, shown: 'PENDING_UPGRADE', revision: state.release.revision, target: null }
  const release = { ...state.release, claim: held, waitingFor: waitAtRest({ claim: held }), updatedAt: now }
  return next({ ...state, release }, executionId, 'claimed')
}

function show(state: ReleaseState, { executionId, status }: Of<'show'>, now: Instant): ReleaseDecision {
  const { claim: held } = state.release
  if (held === null || !holds(state, executionId)) return notHeld(state, executionId)
  if (held.shown === status) return unchanged(state)
  const release = { ...state.release, claim: { ...held, shown: status }, updatedAt: now }
  return next({ ...state, release }, executionId, 'shown')
}

/** An operation that is still open must end first: it would wait for a verdict that nobody gives any more. */
function unclaim(state: ReleaseState, { executionId, frozen }: Of<'unclaim'>, now: Instant): ReleaseDecision {
  const { claim: held } = state.release
  const open = openOperation(state)
  if (held === null || !holds(state, executionId)) return unchanged(state)
  if (open !== null) return inProgress(open.id)
  if (frozen !== null && isByOther(state) && !isUnjudged(state, frozen)) return movedMeanwhile(state)
  const after = hasDeployed(state, held) ? afterDeploying(state, held) : asBefore(state.release)
  const release: Release = {
    ...after,
    frozen: freezeLeft(state, frozen, after),
    claim: null,
    waitingFor: null,
    updatedAt: now,
  }
  const decision = next({ ...state, release }, executionId, 'unclaimed')
  // What is left frozen is looked at once: where its traffic goes, nobody else does any more.
  return release.frozen === null || decision.kind === 'rejected' ? decision : { ...decision, wake: now }
}

/**
 * The freeze that an execution leaves, or has found and never touched. One that another hand has ended is over: what is there of
 * its gates comes off now. Where that hand may have changed nothing, the next look judges.
 */
function freezeLeft(state: ReleaseState, left: Frozen | null, after: Release): Frozen | null {
  const { release } = state
  const frozen = left ?? release.frozen
  if (frozen === null) return null
  if (release.status === 'UNINSTALLED') return { ...frozen, over: true }
  if (!isByOther(state) || isUnjudged(state, frozen)) return left ?? after.frozen
  const isAsFound = left === null && after.frozen !== null
  return isAsFound && standsOfHand(release) !== null ? { ...frozen, unjudged: true } : { ...frozen, over: true }
}

/**
 * True where the execution has left the fleet frozen because of another hand's revision that has changed nothing, and that one is
 * still pending or has failed: the next look says whether it has changed anything since.
 */
const isUnjudged = ({ release }: ReleaseState, frozen: Frozen | null): boolean =>
  frozen?.unjudged === true && standsOfHand(release) !== null

/** Helm has made a revision for the execution. One that a late write of an operation before it has made is none of its. */
const hasDeployed = ({ release, operation }: ReleaseState, { executionId, revision }: Claim): boolean =>
  revision !== release.revision && operation?.request.heldBy === executionId

/** Helm has made no revision for it: also a freeze that was taken over is still there. */
const asBefore = (release: Release): Release => release

/** The versions are those of the execution now, and a FAILED release tells which one it was moved to, unless another hand has failed since. */
function afterDeploying(state: ReleaseState, { target }: Claim): Release {
  const { release } = state
  const gaveUp = release.status === 'FAILED' && !isByOther(state) && target !== null && target !== release.chartVersion
  return { ...release, frozen: null, attemptedChartVersion: gaveUp ? target : release.attemptedChartVersion }
}

/**
 * Takes an operation of the execution on. A rollback may also aim at the newest revision (helm made none for the upgrade
 * that failed), and at one that never ended DEPLOYED: it goes back to what the execution found.
 */
function order(state: ReleaseState, { action, operation }: Of<'order'>, now: Instant): ReleaseDecision {
  const { heldBy, targetRevision, chartVersion } = operation.request
  const { claim: held } = state.release
  if (held === null || heldBy === null || !holds(state, heldBy)) return notHeld(state, heldBy)
  const open = openOperation(state)
  if (state.operation?.id === operation.id) return unchanged(state)
  if (open !== null) return inProgress(open.id)
  if (isByOther(state)) return movedMeanwhile(state)
  const beneath = situationOf(withoutClaim(state))
  const answer = commandTable[beneath][action]
  if (answer !== 'allowed') return refused(withoutClaim(state), beneath, answer)
  if (action === 'rollback' && !state.revisions.some(({ revision }) => revision === targetRevision)) {
    return { kind: 'rejected', code: 'revision_not_found', detail: `the release has no revision ${targetRevision}` }
  }
  const target = action === 'upgrade' ? chartVersion : held.target
  return accept({ ...state, release: { ...state.release, claim: { ...held, target } } }, action, operation, now)
}

/** The verdict is kept until helm has ended; what helm has not begun it does not begin. */
function conclude(state: ReleaseState, command: Of<'conclude'>, now: Instant): ReleaseDecision {
  const { operationId, executionId, verdict } = command
  const operation = openOperation(state)
  if (operation === null || operation.id !== operationId) return unchanged(state)
  if (operation.request.heldBy !== executionId) return notHeld(state, executionId)
  if (operation.phase.name === 'queued' && verdict.kind === 'failed') {
    return ended(state, operation, { status: 'CANCELLED', error: null }, operation.before, now)
  }
  return { kind: 'next', state: { ...state, operation: { ...operation, verdict } }, act: null, events: [], wake: now }
}

const holds = ({ release }: ReleaseState, executionId: Uuid): boolean => release.claim?.executionId === executionId

/** The release as it is beneath its claim. */
export function withoutClaim(state: ReleaseState): ReleaseState {
  return { ...state, release: { ...state.release, claim: null } }
}

/** Which execution is to look at its release again: an operation of it is held or has ended, or Helm has moved. */
export function executionConcerned(before: ReleaseState, after: ReleaseState): Uuid | null {
  const { claim: held, secretUid, status } = after.release
  if (held === null) return null
  const waits = isHeld(after) && !isHeld(before)
  const over = openOperation(before) !== null && openOperation(after) === null
  const moved = secretUid !== before.release.secretUid || (status !== before.release.status && status === 'UNINSTALLED')
  return waits || over || moved ? held.executionId : null
}

const isHeld = (state: ReleaseState): boolean => openOperation(state)?.phase.name === 'held'

function next(state: ReleaseState, executionId: Uuid, what: 'claimed' | 'shown' | 'unclaimed'): ReleaseDecision {
  const { frozen } = state.release
  const more = what === 'unclaimed' ? { frozen: frozen !== null && frozen.over !== true } : {}
  return { kind: 'next', state, act: null, events: [claimEvent(state.release, executionId, what, more)], wake: null }
}

function inProgress(operationId: Uuid): ReleaseDecision {
  const detail = `operation ${operationId} of the release has not ended`
  return { kind: 'rejected', code: 'operation_in_progress', detail, extra: { operationId } }
}

/** Another hand has moved the release since the execution looked: what it has decided holds no longer. */
function movedMeanwhile({ release }: ReleaseState): ReleaseDecision {
  const detail = `another hand has made revision ${release.revision} of the release ${release.name}: look again`
  return { kind: 'rejected', code: 'conflict', detail, extra: { releaseId: release.id } }
}

function isByOther({ release, revisions }: ReleaseState): boolean {
  const newest = revisions.find(({ secretUid }) => secretUid === release.secretUid)
  const moved = release.claim?.revision !== release.revision
  return moved && release.status !== 'UNINSTALLED' && newest?.operationId == null
}

function notHeld({ release }: ReleaseState, executionId: Uuid | null): ReleaseDecision {
  const detail = `the upgrade execution ${executionId} does not hold the release ${release.name}`
  return { kind: 'rejected', code: 'conflict', detail, extra: { releaseId: release.id } }
}
