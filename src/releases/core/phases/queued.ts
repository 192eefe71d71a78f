import { operationEvent } from '../events.ts'
import { isKnown } from '../follow.ts'
import type { Operation, Phase } from '../model.ts'
import { deadlineFrom, planApply, planSettle, planThaw } from '../plan.ts'
import { untilLookedAt } from '../shown.ts'
import { gone } from './applying.ts'
import { goOn, type Look, overwrittenIn, type PhaseHandler, whileApplying, whileSettling } from './look.ts'
import { anotherHand } from './yielding.ts'

type Queued = Extract<Phase, { name: 'queued' }>

/** Starts the operation, unless what is there is no longer what it was accepted for. */
export const queued: PhaseHandler<Queued> = (look) => {
  if (look.operation.kind === 'recover') return startRecovery(look)
  const surprise = unexpected(look)
  if (surprise !== null) return anotherHand(look, surprise)
  return start(look)
}

/** Why what is there is not what the operation was accepted for; null where it is. */
export function unexpected({ state, operation, seen }: Look): string | null {
  const { release } = state
  if (seen.kind === 'absent') return release.revision > 0 && operation.kind !== 'uninstall' ? noRecord : null
  // What `helm uninstall --keep-history` has left keeps no name.
  if (operation.kind === 'install' && seen.newest.status === 'uninstalled') return null
  if (operation.kind === 'install') return 'Helm has a release of that name that Flotilla did not make'
  return isKnown(release, seen.newest)
    ? null
    : `Helm is at revision ${seen.newest.revision}, which Flotilla did not make`
}
const noRecord = 'Helm has no record of the release any more'

function start(look: Look) {
  const { operation, seen, now, state } = look
  const deadline = deadlineFrom(operation, now)
  const begun: Operation = {
    ...operation,
    startedAt: now,
    deadline,
    phase: { name: 'applying', tries: 1 },
    overwritten: overwrittenIn(seen),
  }
  const events = [operationEvent(state.release, begun, 'started')]
  if (operation.kind === 'uninstall' && seen.kind === 'absent') {
    const waitingFor = untilLookedAt('UNINSTALLING', now)
    return goOn(look, { operation: { ...begun, phase: gone(look) }, waitingFor, wake: now, events })
  }
  if (mustHalt(look)) {
    const act = planThaw('halt', operation.id, seen, now)
    const waitingFor = { reason: 'THAWING', until: deadline }
    return goOn(look, { operation: { ...begun, phase: { name: 'halting' } }, act, waitingFor, events })
  }
  const act = planApply(begun, seen, deadline)
  return goOn(look, { operation: begun, act, waitingFor: whileApplying(begun), events })
}

/** An upgrade or rollback takes a freeze over; an execution that claimed the release holds its workloads itself. */
function mustHalt({ state, operation }: Look): boolean {
  const deploys = operation.kind === 'upgrade' || operation.kind === 'rollback'
  return deploys && state.release.frozen !== null && operation.request.heldBy === null
}

/** `recover {"force": true}`: the pending revision of another hand is settled, and the release then follows Helm. */
function startRecovery(look: Look) {
  const { operation, seen, now, state } = look
  if (seen.kind === 'absent') return anotherHand(look, noRecord)
  const phase: Phase = { name: 'settling', next: { kind: 'recovered' }, tries: 1 }
  const begun: Operation = { ...operation, startedAt: now, deadline: deadlineFrom(operation, now), phase }
  const act = planSettle(begun, seen.newest, `settled by ${operation.performedBy}`, now)
  const events = [operationEvent(state.release, begun, 'started')]
  return goOn(look, { operation: begun, act, waitingFor: whileSettling(act), events })
}
