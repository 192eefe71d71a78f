import type { HelmRevision, Operation, ReleaseState, RevisionSummary } from './model.ts'
import { isPending } from './ownership.ts'
import { ownRecord, pendingVerdict } from './phases/look.ts'
import { isUnderWay } from './revisions.ts'
import { openOperation } from './situation.ts'

/** The highest number of a revision that is known. */
export function lastKnown({ release, revisions }: ReleaseState): number {
  return Math.max(release.revision, ...revisions.map(({ revision }) => revision))
}

/** True while helm may be making a revision that nothing is known of yet. */
export function mayBeRunning(state: ReleaseState): boolean {
  const operation = openOperation(state)
  return operation?.phase.name === 'applying' && operation.kind !== 'uninstall' && operation.reverting?.target !== null
}

/**
 * Helm's newest revision as history shows it while our helm makes it: until helm has ended nobody looks at the release, so
 * it is not mirrored yet. Null where it is known, or is not ours.
 */
export function runningRevision(state: ReleaseState, newest: HelmRevision): RevisionSummary | null {
  const operation = openOperation(state)
  if (operation === null || !mayBeRunning(state) || newest.revision !== lastKnown(state) + 1) return null
  if (!isMadeBy(operation, newest)) return null
  const { content: _, ...summary } = ownRecord({ state, operation }, said(newest), pendingVerdict({ state, operation }))
  return summary
}

/** Helm copies the labels of the revision that a rollback goes back to. */
function isMadeBy({ id, kind, reverting }: Operation, newest: HelmRevision): boolean {
  const goesBack = kind === 'rollback' || reverting !== null
  return newest.operationId === id || (goesBack && newest.status === 'pending-rollback')
}

/** Helm's fixed words only: whatever else it says is not masked here. */
function said(newest: HelmRevision): HelmRevision {
  const fixed = isUnderWay(newest.description) || /^Rollback to \d+$/.test(newest.description)
  return isPending(newest) && fixed ? newest : { ...newest, description: '' }
}
