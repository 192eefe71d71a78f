import type { DomainEvent } from '../../../core/events.ts'
import { seconds } from '../../../core/instant.ts'
import type { ReleaseDecision } from '../command.ts'
import { operationEvent } from '../events.ts'
import type { HelmRevision, Operation, Phase, Present, StoredRevision } from '../model.ts'
import { planSupersede } from '../plan.ts'
import { untilLookedAt } from '../shown.ts'
import { fail } from './failing.ts'
import {
  failureIn,
  goOn,
  type Look,
  ownRecord,
  type PhaseHandler,
  pendingVerdict,
  revisionFields,
  toRecords,
} from './look.ts'
import { changedMeanwhile, succeed, waits } from './waiting.ts'
import { anotherHand } from './yielding.ts'

type Superseding = Extract<Phase, { name: 'superseding' }>

/**
 * Helm applied everything, and calls our revision deployed. It goes on where the cluster refused that the one before it is
 * called superseded; two that are deployed would mislead whoever asks helm, so that is put right before anything else.
 */
export function supersedeFirst(look: Look, newest: HelmRevision): ReleaseDecision {
  const { seen, operation } = look
  const earlier = seen.kind === 'present' ? stillDeployed(seen) : undefined
  if (earlier === undefined) return applied(look, newest)
  const act = planSupersede(operation, earlier, newest, look.now)
  return toRecords(look, newest, { name: 'superseding' }, act)
}

function stillDeployed({ stored, newest }: Present): StoredRevision | undefined {
  return stored.find(({ status, revision }) => status === 'deployed' && revision < newest.revision)
}

const pauseMs = seconds(1)

/** Goes on when our revision is the only one that is deployed; until then that is tried again, within the deadline. */
export const superseding: PhaseHandler<Superseding> = (look) => {
  const { seen, operation, attempt, now } = look
  const changed = changedMeanwhile(look)
  if (changed !== null || seen.kind === 'absent') return anotherHand(look, changed ?? '')
  if (stillDeployed(seen) === undefined) return applied(look, seen.newest)
  if (operation.cancelRequested) return fail(look, cancelled)
  if (operation.verdict?.kind === 'failed') return fail(look, failureIn(operation.verdict))
  const deadline = operation.deadline ?? now
  if (now >= deadline) return fail(look, tooLate)
  const pauseOver = Math.min(deadline, (attempt?.endedAt ?? attempt?.startedAt ?? now) + pauseMs)
  if (now < pauseOver) return goOn(look, { operation, waitingFor: { reason: 'SETTLING', until: pauseOver } })
  return supersedeFirst(look, seen.newest)
}

const cancelled = {
  code: 'cancelled',
  detail: 'the operation was cancelled before the revision before could be called superseded',
} as const

const tooLate = {
  code: 'timed_out',
  detail: "the revision before could not be called superseded in Helm's storage in time",
} as const

/** Helm applied everything. With `wait` the workloads must become ready, else that is the end. */
function applied(look: Look, newest: HelmRevision): ReleaseDecision {
  const { operation, state, now } = look
  const phase = phaseBehindHelm(look)
  // An execution has gates of its own on the workloads now: the freeze before it is over.
  const frozen = phase.name === 'held' ? null : state.release.frozen
  const events = [operationEvent(state.release, operation, 'applied', { revision: newest.revision })]
  if (isEndOf(operation, phase)) return after(events, succeed({ ...look, operation: { ...operation, phase } }, newest))
  return goOn(look, {
    operation: { ...operation, phase },
    release: { ...revisionFields(newest), frozen },
    mirrored: [ownRecord(look, newest, pendingVerdict(look))],
    events,
    waitingFor: untilLookedAt('WORKLOADS_NOT_READY', now),
    wake: now,
  })
}

function phaseBehindHelm({ operation, state, seen }: Look): Phase {
  if (operation.request.heldBy !== null) return { name: 'held' }
  const isHeld = state.release.frozen !== null || (seen.kind === 'present' && seen.stillHeld === true)
  return isHeld ? { name: 'restoring', next: 'waiting' } : { name: 'waiting' }
}

/** Nothing is waited for. A request to cancel is judged where all of them are: while waiting. */
const isEndOf = (operation: Operation, next: Phase): boolean =>
  next.name === 'waiting' && !waits(operation) && !operation.cancelRequested

const after = (events: readonly DomainEvent[], decision: ReleaseDecision): ReleaseDecision =>
  decision.kind === 'next' ? { ...decision, events: [...events, ...decision.events] } : decision
