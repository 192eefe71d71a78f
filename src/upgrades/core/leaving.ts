/*
 * Pods that were told to go and are still there: they serve what they had begun, for as long as their grace period lets
 * them. A place counts as left when such a pod is gone, not when it was told: so a new one that can only come then has its
 * time from then on, room that the old one takes is not free before, and nothing ends over its head. A pod that outlives
 * its grace period (a dead node, a finalizer) is waited for as long as any instance may take, and no longer.
 */
import { type Instant, seconds } from '../../core/instant.ts'
import { isInFlight, targetPod } from './instances.ts'
import type { Execution, Instance, Leaving, Member, Stage } from './model.ts'
import { mapChanged, patch } from './patch.ts'
import type { Fleet } from './slots.ts'
import { timeLimit } from './stopping.ts'

/** With every place's former pod that is still on its way out; where one has gone, time counts from then. Pure. */
export function followLeaving(execution: Execution, fleet: Fleet, now: Instant): Execution {
  const going = new Map(fleet.members.flatMap((one) => (isGoing(one) ? [[one.pod.uid, one] as const] : [])))
  if (going.size === 0 && execution.instances.every(({ leaving = null }) => leaving === null)) return execution
  let left = false
  const instances = mapChanged(execution.instances, (instance) => {
    const leaving = leavingFrom(execution, instance, going, now)
    const was = instance.leaving ?? null
    const isGone = was !== null && !going.has(was.pod.uid)
    left ||= isGone
    if (same(was, leaving)) return instance
    const waited = isGone && leaving === null && isInFlight(instance) && instance.startedAt !== null
    return { ...instance, leaving, ...(waited && was.holds ? { startedAt: now } : {}) }
  })
  const stageSince = left && settles.has(execution.stage) ? now : execution.stageSince
  return patch(execution, { instances, stageSince })
}

/** Stages that are over when all is as it should be, and have a limit for it. */
const settles: ReadonlySet<Stage> = new Set(['opening', 'reverting', 'restoring'])

type Going = Member & { readonly goneBy: Instant }

const isGoing = (member: Member): member is Going => member.terminating && member.goneBy !== undefined

/** The one of the place's former pods that takes longest; null where all are gone, or should be. */
function leavingFrom(
  { spec }: Execution,
  instance: Instance,
  going: ReadonlyMap<string, Going>,
  now: Instant,
): Leaving | null {
  const former = instance.previousPods.flatMap(({ uid }) => going.get(uid) ?? [])
  const [last] = former.toSorted((one, other) => other.goneBy - one.goneBy)
  if (last === undefined || now >= last.goneBy + seconds(spec.healthCheckTimeoutSeconds)) return null
  return { pod: last.pod, until: last.goneBy, holds: targetPod(instance) === null }
}

function same(one: Leaving | null, other: Leaving | null): boolean {
  if (one === null || other === null) return one === other
  return one.pod.uid === other.pod.uid && one.until === other.until && one.holds === other.holds
}

/** When an instance in flight has run out of time: what cannot come before its former pod has gone is not late before. */
export function limitOf(execution: Execution, { startedAt, leaving = null }: Instance, now: Instant): Instant {
  const from = startedAt ?? now
  return timeLimit(execution, leaving?.holds ? Math.max(from, leaving.until) : from)
}

/** When a stage that is over once all is as it should be has run out of time. */
export function settlesBy(execution: Execution): Instant {
  const { stageSince, instances } = execution
  return timeLimit(
    execution,
    instances.reduce((latest, { leaving = null }) => Math.max(latest, leaving?.until ?? 0), stageSince),
  )
}

/** Who is waited for, in words; null where nobody is on the way out. */
export function stopping({ leaving = null }: Instance): string | null {
  return leaving === null ? null : `${leaving.pod.name} is stopping`
}
