import { seconds } from '../../../core/instant.ts'
import type { ReleaseDecision } from '../command.ts'
import type { Phase } from '../model.ts'
import { planApply, planThaw } from '../plan.ts'
import { fail } from './failing.ts'
import { failureOf, goOn, type Look, type PhaseHandler } from './look.ts'
import { unexpected } from './queued.ts'
import { changedMeanwhile } from './waiting.ts'
import { anotherHand } from './yielding.ts'

type Halting = Extract<Phase, { name: 'halting' }>
type Restoring = Extract<Phase, { name: 'restoring' }>
type Kind = 'halt' | 'restore'

/** Until the frozen workloads are halted helm is not begun: it would move every instance at once. */
export const halting: PhaseHandler<Halting> = (look) => {
  const surprise = unexpected(look)
  if (surprise !== null) return anotherHand(look, surprise)
  if (!isDone(look, 'halt')) return tryAgain(look, 'halt')
  const { operation, now, seen } = look
  const deadline = operation.deadline ?? now
  const act = planApply(operation, seen, deadline)
  const waitingFor = { reason: 'APPLYING', until: deadline }
  return goOn(look, { operation: { ...operation, phase: { name: 'applying', tries: 1 } }, act, waitingFor })
}

/** Helm has applied: the workloads get their own fields back, and the freeze is over. */
export const restoring: PhaseHandler<Restoring> = (look, { next }) => {
  const surprise = next === 'waiting' ? changedMeanwhile(look) : reinstalled(look)
  if (surprise !== null) return anotherHand(look, surprise)
  if (!isDone(look, 'restore')) return tryAgain(look, 'restore')
  const { operation, now } = look
  const reason = next === 'waiting' ? 'WORKLOADS_NOT_READY' : 'UNINSTALLING'
  const after = { operation: { ...operation, phase: { name: next } }, release: { frozen: null } } as const
  return goOn(look, { ...after, waitingFor: { reason, until: now } })
}

function reinstalled({ seen }: Look): string | null {
  return seen.kind === 'present' ? 'the release was installed again by another hand' : null
}

function isDone({ attempt, operation }: Look, kind: Kind): boolean {
  return attempt?.act.kind === kind && attempt.act.operationId === operation.id && attempt.result === 'done'
}

const pauseMs = seconds(1)

/** The act is repeatable, so it is repeated until it is done, within the deadline of the operation. */
function tryAgain(look: Look, kind: Kind): ReleaseDecision {
  const { attempt, operation, now, seen } = look
  const deadline = operation.deadline ?? now
  const before = attempt?.act.kind === kind && attempt.act.operationId === operation.id ? attempt : null
  if (operation.cancelRequested) return fail(look, { code: 'cancelled', detail: 'the operation was cancelled' })
  if (now >= deadline) return fail(look, failureOf(before, tooLate))
  const pauseOver = before === null ? now : (before.endedAt ?? before.startedAt) + pauseMs
  if (now < pauseOver) return goOn(look, { operation, waitingFor: { reason: 'THAWING', until: pauseOver } })
  const waitingFor = { reason: 'THAWING', until: deadline }
  return goOn(look, { operation, act: planThaw(kind, operation.id, seen, now), waitingFor })
}

const tooLate = {
  code: 'timed_out',
  detail: 'the workloads of the frozen release could not be changed in time',
} as const
