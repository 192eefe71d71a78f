/*
 * Pods that were told to go and are still there: they serve what they had begun, for as long as their grace period lets
 * them. A place counts as left when such a pod is gone, not when it was told: so a new one that can only come then has its
 * time from then on, room that the old one takes is not free before, and nothing ends over its head. A pod that outlives
 * its grace period (a dead node, a finalizer) is waited for as long as any instance may take, and no longer: then
 * what runs in its place counts, and a place that is still empty has failed.
 *
 * Only pods of the version that is left are followed: those of the other one are what is to come, and whoever takes them
 * away takes from the time that there is. And each limit is extended for one pod a place, so that no limit moves on for
 * ever where pods come and go.
 */
import { type Instant, seconds } from '../../core/instant.ts'
import { isInFlight, targetPod } from './instances.ts'
import type { Execution, Extension, Instance, Leaving, Member, Stage } from './model.ts'
import { mapChanged, patch } from './patch.ts'
import { sameJson } from './planning.ts'
import type { Fleet } from './slots.ts'
import { timeLimit } from './stopping.ts'

/** With every place's former pod that is still on its way out; where one has gone, time counts from then. Pure. */
export function followLeaving(execution: Execution, fleet: Fleet, now: Instant): Execution {
  const going = new Map(fleet.members.flatMap((one) => (isGoing(one) ? [[one.pod.uid, one] as const] : [])))
  if (going.size === 0 && execution.instances.every(isUntold)) return execution
  const there = new Set(fleet.members.map(({ pod }) => pod.uid))
  const strays = straysOf(execution, going)
  const [first] = execution.instances
  let anew = false
  const instances = mapChanged(execution.instances, (instance) => {
    const hasGone = instance.leaving?.extends === true && !there.has(instance.leaving.pod.uid)
    anew ||= hasGone
    const former = [...instance.previousPods.map(({ uid }) => uid), ...(instance === first ? strays : [])]
    return followed(execution, instance, { former: former.flatMap((uid) => going.get(uid) ?? []), hasGone, now })
  })
  return patch(execution, { instances, stageSince: anew && settles.has(execution.stage) ? now : execution.stageSince })
}

/** Nobody of it was told to go in its time. */
const isUntold = ({ leaving = null, extension = null }: Instance): boolean => leaving === null && extension === null

/** On the way back: pods of the abandoned version that came and went without a place. The first place stands for them. */
function straysOf({ status, instances }: Execution, going: ReadonlyMap<string, Going>): readonly string[] {
  if (status !== 'ROLLING_BACK' || going.size === 0) return []
  const placed = new Set(instances.flatMap(({ previousPods }) => previousPods.map(({ uid }) => uid)))
  return [...going.values()].flatMap(({ side, pod }) => (side === 'target' && !placed.has(pod.uid) ? pod.uid : []))
}

type Sight = {
  /** Its former pods that are on their way out. */
  readonly former: readonly Going[]
  /** The pod for which its limits are extended has gone. */
  readonly hasGone: boolean
  readonly now: Instant
}

function followed(execution: Execution, instance: Instance, { former, hasGone, now }: Sight): Instance {
  const was = instance.leaving ?? null
  const known = extensionNow(execution, instance)
  const last = lastOf(execution, instance, known, former, now)
  const begins = known === null && last !== null && mayExtend(execution, instance)
  const fresh = begins ? { uid: last.pod.uid, stage: limitedBy(execution), over: false } : known
  const extension = hasGone && fresh !== null && fresh.uid === was?.pod.uid ? { ...fresh, over: true } : fresh
  const leaving = last === null ? null : leavingOf(instance, last, extension)
  const restarts = hasGone && was?.holds === true && isInFlight(instance) && instance.startedAt !== null
  if (sameJson(was, leaving) && sameJson(instance.extension ?? null, extension)) return instance
  return { ...instance, leaving, extension, ...(restarts ? { startedAt: now } : {}) }
}

/** Stages that are over when all is as it should be, and have a limit for it. */
const settles: ReadonlySet<Stage> = new Set(['opening', 'reverting', 'restoring'])

/** Whose limit is extended: that of the stage, where that has one, else that of the instance since it was let go. */
const limitedBy = ({ stage }: Execution): Stage => (settles.has(stage) ? stage : 'moving')

/** What has no turn yet has no time either. */
const mayExtend = ({ stage }: Execution, { status }: Instance): boolean => settles.has(stage) || status !== 'PENDING'

/** The extension that the place has had of the present limit. */
function extensionNow(execution: Execution, instance: Instance): Extension | null {
  const { extension = null } = instance
  return extension?.stage === limitedBy(execution) && mayExtend(execution, instance) ? extension : null
}

type Going = Member & { readonly goneBy: Instant }

const isGoing = (member: Member): member is Going => member.terminating && member.goneBy !== undefined

/** The former pod for which the limit is extended, else the one that takes longest; null where nobody is to be waited for. */
function lastOf(
  execution: Execution,
  instance: Instance,
  extension: Extension | null,
  former: readonly Going[],
  now: Instant,
): Going | null {
  const isAwaited = ({ goneBy }: Going): boolean => isEmpty(instance) || now < timeLimit(execution, goneBy)
  const awaited = former.filter((one) => isOfWhatIsLeft(execution, instance, one) && isAwaited(one))
  const [last = null] = awaited.toSorted((one, other) => other.goneBy - one.goneBy)
  return awaited.find(({ pod }) => pod.uid === extension?.uid) ?? last
}

/** Nothing runs in its place: it keeps that for as long as it is there. */
const isEmpty = ({ pod, nextPod }: Instance): boolean => pod === null && nextPod === null

/** On the way back also the old pod of a place that was let go: it may have been told before that turned round. */
function isOfWhatIsLeft({ status: way }: Execution, { status }: Instance, { side }: Member): boolean {
  if (way !== 'ROLLING_BACK') return side !== 'target'
  return side !== 'previous' || (status !== 'PENDING' && status !== 'ROLLED_BACK')
}

function leavingOf(instance: Instance, { pod, goneBy }: Going, extension: Extension | null): Leaving {
  const extended = extension !== null && extension.uid === pod.uid && !extension.over
  return { pod, until: goneBy, extends: extended, holds: extended && targetPod(instance) === null }
}

/** When an instance in flight has run out of time: what cannot come before its former pod has gone is not late before. */
export function limitOf(execution: Execution, { startedAt, leaving = null }: Instance, now: Instant): Instant {
  const from = startedAt ?? now
  return timeLimit(execution, leaving?.holds ? Math.max(from, leaving.until) : from)
}

/**
 * When a stage that is over once all is as it should be has run out of time. On the way back the workload's controller sets the pace:
 * it goes on once a pod has been ready for `minReadySeconds`, which a step has besides.
 */
export function settlesBy(execution: Execution): Instant {
  const { stageSince, instances } = execution
  return (
    controllerWaits(execution) +
    timeLimit(
      execution,
      instances.reduce(
        (latest, { leaving = null }) => (leaving?.extends ? Math.max(latest, leaving.until) : latest),
        stageSince,
      ),
    )
  )
}

/** For how long the controller lets a pod be ready before it goes on, where it is waited for. In milliseconds. */
export function controllerWaits({ status, minReadySeconds = 0 }: Execution): number {
  return status === 'ROLLING_BACK' ? seconds(minReadySeconds) : 0
}

/** Who is waited for, in words; null where nobody is on the way out. */
export function stopping({ leaving = null }: Instance): string | null {
  return leaving === null ? null : `${leaving.pod.name} is stopping`
}
