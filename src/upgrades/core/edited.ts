/*
 * The pod template that helm has applied is the target version's. What another hand makes of it in the middle (`kubectl set
 * image`, `kubectl rollout restart`, `kubectl rollout undo`) is of no version that anybody verifies (docs/adr/0061): the gate
 * shuts, nothing is started and nothing concluded, and it says so. Put back in time the upgrade goes on; else it stops.
 */
import type { Instant } from '../../core/instant.ts'
import { goesForward, stopHeldUp, withTimeKept } from './held-up.ts'
import type { Execution, Warning } from './model.ts'
import { patch } from './patch.ts'
import { isResting, letsBe } from './position.ts'
import { statusReasons, waits } from './reasons.ts'
import type { Fleet } from './slots.ts'
import { isGated } from './stages/closing.ts'
import { act, atInterval, type Look, type Step, soon, wait, waitUntil } from './stages/look.ts'
import { hasFailedCanary, timeLimit } from './stopping.ts'
import { warned } from './warned.ts'

/** What is said wherever it shows, and the ways out. */
export const templateChanged =
  'another hand has changed the pod template since helm applied it: put it back, or roll back; once this has ended, an upgrade with forceConflicts takes it back too'

const warning: Warning = { code: 'TEMPLATE_CHANGED', message: templateChanged }

/**
 * True while the pod template is not what helm has applied for the target version. On the way back it is not to be. Another mark alone
 * does not say so: a newer API server may write out more of the same, and its controller tells that it is.
 */
export function isEdited({ applied = null, status }: Execution, { podTemplate }: Fleet): boolean {
  if (applied === null || status === 'ROLLING_BACK' || podTemplate === undefined) return false
  const isSame = podTemplate.hash !== null && podTemplate.hash === applied.hash
  return !isSame && podTemplate.mark !== applied.mark
}

/** With the hash that pods of the applied template carry, once that is told, and since when another template is in the way. Pure. */
export function followTemplate(execution: Execution, fleet: Fleet, now: Instant): Execution {
  const { applied = null, editedSince: known = null } = execution
  const isForeign = isEdited(execution, fleet)
  const editedSince = isForeign && goesForward(execution) ? (known ?? now) : null
  const learnt = fleet.podTemplate?.mark === applied?.mark ? (fleet.podTemplate?.hash ?? null) : null
  const hash = applied?.hash ?? learnt
  const same = applied === null || hash === applied.hash
  return patch(execution, {
    ...(editedSince === known ? {} : { editedSince }),
    ...(same ? {} : { applied: { ...applied, hash } }),
  })
}

/** Shuts the gate, waits for the template to be put back, and stops in the end. Null where there is nothing of it. */
export function whileEdited(look: Look): Step | null {
  if (look.execution.ending !== null || !isEdited(look.execution, look.fleet)) return null
  const next = { ...look, execution: warned(look.execution, warning) }
  return shutGate(next) ?? waitingForIt(next)
}

/** Open, it would let the other template out, also over instances that have passed. */
function shutGate(look: Look): Step | null {
  const { execution, fleet } = look
  const { gate } = fleet
  if (!isGated(execution) || gate.kind !== 'admitting' || isResting(gate) || letsBe(gate) === 0) return null
  const shut = { kind: 'gate', position: { kind: 'admitting', upTo: 0, surge: 0 }, take: [] } as const
  return act(execution, shut, waits.template, { until: soon(look), detail: templateChanged })
}

function waitingForIt(look: Look): Step | null {
  const { execution, now } = look
  const { status, statusReason, spec, editedSince } = execution
  if (status === 'PAUSED') {
    const reason = statusReason === statusReasons.approval ? waits.approval : waits.paused
    return wait(execution, reason, atInterval(look, execution), templateChanged)
  }
  if (hasFailedCanary(execution)) {
    return spec.autoRollbackEnabled
      ? null
      : wait(execution, waits.canaryFailed, atInterval(look, execution), templateChanged)
  }
  const until = timeLimit(execution, editedSince ?? now)
  if (now >= until) return stopHeldUp(look, statusReasons.template, templateChanged)
  return waitUntil(withTimeKept(execution, now), waits.template, { until, lookBy: soon(look) }, templateChanged)
}
