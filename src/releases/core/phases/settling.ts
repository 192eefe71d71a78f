import { seconds } from '../../../core/instant.ts'
import type { ReleaseDecision } from '../command.ts'
import { follow } from '../follow.ts'
import type { Phase, Present } from '../model.ts'
import { ended } from '../outcome.ts'
import { isWithoutEffect } from '../without-effect.ts'
import { abandoned, again } from './applying.ts'
import { conclude } from './failing.ts'
import { goOn, type Look, type PhaseHandler, whileSettling } from './look.ts'
import { anotherHand } from './yielding.ts'

type Settling = Extract<Phase, { name: 'settling' }>

/** Goes on when Helm's storage shows the revision as failed; until then the settling is tried again. */
export const settling: PhaseHandler<Settling> = (look, phase) => {
  const { attempt, seen } = look
  if (seen.kind === 'absent') return anotherHand(look, 'Helm has no record of the release any more')
  const { newest } = seen
  const act = attempt?.act
  if (act?.kind !== 'settle' || act.secretUid !== newest.secretUid) {
    return anotherHand(look, `revision ${newest.revision} was made by another hand`)
  }
  return newest.status === 'failed' && isWritten(look, act) ? settled(look, phase, seen) : retry(look, act)
}

type Settle = Extract<NonNullable<Look['attempt']>['act'], { kind: 'settle' }>

/** Helm may have called it failed before: then only the act itself says that the objects are named. In time, at least. */
function isWritten({ attempt, operation, now }: Look, act: Settle): boolean {
  return act.objectsOf === undefined || attempt?.result === 'done' || now >= (operation.deadline ?? now)
}

/** The write did not go through (a newer one was there, the cluster refused): read again, write again, a little later. */
function retry(look: Look, act: Settle): ReleaseDecision {
  const { now, operation, attempt } = look
  const pauseOver = (attempt?.endedAt ?? attempt?.startedAt ?? now) + seconds(1)
  if (now < pauseOver) return goOn(look, { operation, waitingFor: { reason: 'SETTLING', until: pauseOver } })
  const planned = { act, baseline: attempt?.baseline ?? {}, deadline: now + seconds(30) }
  return goOn(look, { operation, act: planned, waitingFor: whileSettling(planned) })
}

function settled(look: Look, phase: Settling, seen: Present): ReleaseDecision {
  const { next } = phase
  if (next.kind === 'again')
    return again(look, phase, { failure: next.failure ?? null, mirrored: [abandoned(look, seen.newest)] })
  if (next.kind === 'conclude') return conclude(look, next.failure)
  return recovered(look, seen)
}

/** The other hand's revision has ended a freeze too, if it has changed anything: the next look takes it off the workloads. */
function recovered({ state, operation, now }: Look, seen: Present): ReleaseDecision {
  const { release, mirrored } = follow(state, seen)
  const frozen = isWithoutEffect(seen) ? null : state.release.frozen
  const change = frozen === null ? release : { ...release, frozen: { ...frozen, over: true as const } }
  const decision = ended(state, operation, { status: 'SUCCEEDED', error: null }, change, now, mirrored)
  return decision.kind === 'next' && frozen !== null ? { ...decision, wake: now } : decision
}
