import type { ClaimedRelease, Execution, ExecutionObservation, ReleaseSight } from './model.ts'
import { type StatusReason, statusReasons } from './reasons.ts'

type Seen = Extract<ExecutionObservation, { kind: 'seen' }>
export type Surprise = { readonly reason: StatusReason; readonly detail: string }

/**
 * Another hand, or a target that is gone (SPEC section 5, "Safety"), and a revision of Flotilla's own that came late: what
 * ends an execution in every status; or null.
 */
export function surpriseIn(execution: Execution, seen: Seen): Surprise | null {
  if (seen.fleet?.kind === 'gone') return { reason: statusReasons.gone, detail: seen.fleet.why }
  for (const sight of seen.releases) {
    const surprise = atRelease(execution, sight)
    if (surprise !== null) return surprise
  }
  return null
}

function atRelease({ claims }: Execution, sight: ReleaseSight): Surprise | null {
  const claim = claims.find(({ releaseId }) => releaseId === sight.releaseId)
  if (claim === undefined) return null
  if (!sight.exists) return { reason: statusReasons.gone, detail: `release ${sight.releaseId} is gone` }
  for (const child of [sight.deploy, sight.undo]) {
    if (child.kind === 'failed' && child.code === 'changed_by_another_hand') {
      return { reason: statusReasons.anotherHand, detail: child.detail }
    }
  }
  if (isWatchedByOurs(sight) || isAsFound(claim, sight)) return null
  if (sight.madeBy === 'operation') return { reason: statusReasons.late, detail: cameLate(sight) }
  const detail = `release ${sight.releaseId} is at revision ${sight.revision}, which the execution did not make`
  return { reason: statusReasons.anotherHand, detail }
}

/**
 * Helm of a lost worker wrote once more: the operation that began it had ended. Nobody has asked for that revision, so no
 * gate comes off for it; what was found of the pods is no longer so, and whoever wants the upgrade starts it anew.
 */
function cameLate({ releaseId, revision }: ReleaseSight): string {
  return `revision ${revision} of release ${releaseId} came late, of an operation that had ended before`
}

/**
 * While an operation of ours is open the release tells itself of a revision that is not ours. Between our upgrade, once
 * that has failed, and our rollback nobody does: a rollback would take what another hand has done for what it goes back
 * from. What our last operation has made stays ours.
 */
function isWatchedByOurs({ deploy, undo, madeBy }: ReleaseSight): boolean {
  if (undo.kind !== 'absent') return true
  return deploy.kind !== 'absent' && (deploy.kind !== 'failed' || madeBy === 'deploy')
}

/** True for a release at the revision that the execution found. */
export function isAsFound({ revision, secretUid }: ClaimedRelease, sight: ReleaseSight): boolean {
  return sight.revision === revision && (secretUid === null || sight.secretUid === secretUid)
}
