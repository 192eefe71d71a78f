/*
 * What moves without being let go. The cluster can move it (what dies on a DaemonSet comes back new), and so can another hand that
 * opens the gate: it is counted and judged as any other. That nobody let it go, and in STAGED nobody approved it, is told here.
 */
import type { Attempt } from '../../core/decision.ts'
import { targetPod } from './instances.ts'
import type { Execution, ExecutionAct, Instance, Warning } from './model.ts'
import { mapChanged } from './patch.ts'
import { letsBe } from './position.ts'
import type { Fleet } from './slots.ts'
import { warned } from './warned.ts'

export const aheadWarnings = { opened: 'GATE_OPENED', moved: 'MOVED_AHEAD' } as const

/** With those marked that are seen on the target version and were not let go, and with the warnings of it. Pure. */
export function followAhead(
  before: Execution,
  bound: Execution,
  fleet: Fleet,
  attempt: Attempt<ExecutionAct> | null,
): Execution {
  if (!isHeld(bound)) return bound
  const known = new Map(before.instances.map((instance) => [instance.id, instance]))
  const instances = mayBeOurs(bound, attempt)
    ? bound.instances
    : mapChanged(bound.instances, (one) => (movedAhead(known.get(one.id), one) ? { ...one, ahead: true } : one))
  const told = instances === bound.instances ? bound : warned({ ...bound, instances }, movedWarning(instances))
  return fleet.opened === true ? warned(told, openedWarning) : told
}

/** On its way forward with a gate that is to let nobody go but whom it lets go. */
function isHeld({ capabilities, deployed, change, ending, status }: Execution): boolean {
  return (
    capabilities.hold === 'gate' && deployed && change?.podsChange !== false && ending === null && isForward(status)
  )
}

const isForward = (status: Execution['status']): boolean => status !== 'ROLLING_BACK' && status !== 'VALIDATING'

/** No more are there than we have let be: a write of ours may have come late, for one that was taken back since. */
function mayBeOurs({ instances, admitted }: Execution, attempt: Attempt<ExecutionAct> | null): boolean {
  if (attempt?.act.kind === 'gate' && attempt.result === 'interrupted') return true
  const asked = attempt?.act.kind === 'gate' ? letsBe(attempt.act.position) : 0
  return instances.filter((one) => targetPod(one) !== null).length <= Math.max(admitted, asked)
}

/** It was seen without a pod of the target version before, and waited for its turn. */
function movedAhead(was: Instance | undefined, { status, ...is }: Instance): boolean {
  if (was === undefined || status !== 'PENDING' || targetPod(was) !== null) return false
  return targetPod({ status, ...is }) !== null && (was.pod !== null || was.previousPods.length > 0)
}

const openedWarning: Warning = {
  code: aheadWarnings.opened,
  message: 'another hand opened the gate that holds the instances: it is shut again at the next look',
}

/** How many are named. */
const mostNamed = 10

function movedWarning(instances: readonly Instance[]): Warning {
  const ahead = instances.filter((one) => one.ahead === true)
  const named = ahead.slice(0, mostNamed).map((one) => `${one.index} (${targetPod(one)?.name ?? 'its pod is gone'})`)
  const more = ahead.length > named.length ? ` and ${ahead.length - named.length} more` : ''
  const who = `moved without being let go or approved: instance ${named.join(', ')}${more}`
  return { code: aheadWarnings.moved, message: who }
}
