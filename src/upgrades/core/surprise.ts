import type { Execution, ExecutionObservation, ReleaseSight } from './model.ts'
import { type StatusReason, statusReasons } from './reasons.ts'

type Seen = Extract<ExecutionObservation, { kind: 'seen' }>
export type Surprise = { readonly reason: StatusReason; readonly detail: string }

/** Another hand, or a target that is gone (SPEC section 5, "Safety"): what ends an execution in every status; or null. */
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
  // From the first operation of ours on, the release tells itself of a revision that is not ours.
  if (sight.deploy.kind !== 'absent' || sight.undo.kind !== 'absent') return null
  const same = sight.revision === claim.revision && (claim.secretUid === null || sight.secretUid === claim.secretUid)
  if (same) return null
  const detail = `release ${sight.releaseId} is at revision ${sight.revision}, which the execution did not make`
  return { reason: statusReasons.anotherHand, detail }
}
