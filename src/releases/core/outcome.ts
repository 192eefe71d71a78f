import type { Decision } from '../../core/decision.ts'
import type { Instant } from '../../core/instant.ts'
import { operationEvent } from './events.ts'
import type { Operation, Outcome, Release, ReleaseAct, ReleaseState, RevisionRecord } from './model.ts'
import { waitAtRest } from './shown.ts'

const eventOf = { SUCCEEDED: 'succeeded', FAILED: 'failed', CANCELLED: 'cancelled' } as const

/**
 * Ends the open operation: once, with its outcome, the release as it is from then on and one event.
 * After a failure the release is looked at once more, for what happened meanwhile.
 */
export function ended(
  state: ReleaseState,
  operation: Operation,
  outcome: Outcome,
  change: Partial<Release>,
  now: Instant,
  mirrored: readonly RevisionRecord[] = state.mirrored,
): Decision<ReleaseState, ReleaseAct> {
  const release: Release = { ...state.release, waitingFor: waitAtRest(state.release), ...change, updatedAt: now }
  const done: Operation = { ...operation, outcome, endedAt: now, startedAt: operation.startedAt ?? now }
  const more = outcome.error === null ? {} : { code: outcome.error.code }
  const events = [operationEvent(release, done, eventOf[outcome.status], more)]
  return {
    kind: 'next',
    state: { ...state, release, operation: done, mirrored: [...unfinished(state, operation, mirrored), ...mirrored] },
    act: null,
    events,
    wake: outcome.status === 'FAILED' ? now : null,
  }
}

/** No revision of an operation that has ended is pending in the history: what did not end well has failed. */
function unfinished(
  state: ReleaseState,
  operation: Operation,
  mirrored: readonly RevisionRecord[],
): readonly RevisionRecord[] {
  const told = new Set(mirrored.map(({ secretUid }) => secretUid))
  return state.revisions
    .filter((own) => own.operationId === operation.id && own.verdict.startsWith('PENDING_') && !told.has(own.secretUid))
    .map((own) => ({ ...own, verdict: 'FAILED', content: null }))
}
