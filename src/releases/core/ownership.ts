import type { Attempt } from '../../core/decision.ts'
import type { HelmRevision, Operation, ReleaseAct, ReleaseState } from './model.ts'

/** What was there before an act of a release: the newest revision, or 0 and null where there was none. */
export type ReleaseBaseline = { readonly revision: number; readonly secretUid: string | null }

export function baselineOf(newest: Pick<HelmRevision, 'revision' | 'secretUid'> | null): ReleaseBaseline {
  return { revision: newest?.revision ?? 0, secretUid: newest?.secretUid ?? null }
}

/** The baseline of an attempt, read back from its record. */
export function baselineOfAttempt(attempt: Pick<Attempt<ReleaseAct>, 'baseline'>): ReleaseBaseline {
  const { revision, secretUid } = attempt.baseline
  return {
    revision: typeof revision === 'number' ? revision : 0,
    secretUid: typeof secretUid === 'string' ? secretUid : null,
  }
}

/**
 * True when the operation made the newest revision. DESIGN.md "Whose revision is it": an install or upgrade by our
 * labels, a rollback by the description `Rollback to N` (helm copies the labels of the revision that it goes back to),
 * and both by their number, the next one after what was there before the act. The number counts: an upgrade by hand
 * without labels inherits ours.
 */
export function isOurs(
  state: ReleaseState,
  operation: Operation,
  attempt: Attempt<ReleaseAct> | null,
  newest: HelmRevision,
): boolean {
  const known = state.revisions.find((revision) => revision.secretUid === newest.secretUid)
  if (known !== undefined) return known.operationId === operation.id
  if (attempt === null || attempt.act.operationId !== operation.id) return false
  if (newest.revision !== baselineOfAttempt(attempt).revision + 1) return false
  return isSignedBy(attempt, newest)
}

/** Only acts that deploy make revisions. */
function isSignedBy({ act, seq }: Attempt<ReleaseAct>, newest: HelmRevision): boolean {
  if (act.kind === 'rollback') return newest.description === `Rollback to ${act.target}` || isFailedRollback(newest)
  const deploys = act.kind === 'install' || act.kind === 'upgrade'
  return deploys && newest.operationId === act.operationId && newest.attempt === seq
}

/** helm writes its error over the description of a rollback that it could not apply: `Rollback "NAME" failed: …`. */
function isFailedRollback({ status, description }: HelmRevision): boolean {
  return status === 'failed' && /^Rollback ".*" failed: /.test(description)
}

/** True when nothing has been written since the attempt began. */
export function isBaseline(attempt: Attempt<ReleaseAct>, newest: HelmRevision | null): boolean {
  const before = baselineOfAttempt(attempt)
  return before.secretUid === (newest?.secretUid ?? null)
}

/**
 * The revision whose objects helm is to find in the record of a rollback that was cut off or has failed; undefined where it
 * needs none. Helm compares the next rollback with the newest record alone, and that one is of this rollback now: what
 * the revision before had besides would stay for ever (docs/adr/0040).
 */
export function objectsBefore(attempt: Attempt<ReleaseAct> | null, newest: HelmRevision): number | undefined {
  if (attempt?.act.kind !== 'rollback' || attempt.result === 'done') return undefined
  const before = baselineOfAttempt(attempt).revision
  return before > 0 && before < newest.revision ? before : undefined
}

export const isPending = (revision: HelmRevision): boolean => revision.status.startsWith('pending-')
