import { type Instant, seconds } from '../../core/instant.ts'
import { inOrder, isInFlight, isPair, oldPod, targetPod } from './instances.ts'
import type { Execution, Instance, PodRef, Stage } from './model.ts'
import { strategyOf } from './strategies/index.ts'

/** True when a health check of the instance is due: at once when it is up, then at each interval. */
export function isCheckDue(execution: Execution, instance: Instance, now: Instant): boolean {
  if (instance.status !== 'HEALTH_CHECKING' && instance.status !== 'COMPLETED') return false
  return now >= nextCheckOf(execution, instance)
}

/**
 * When the instance is checked next; 0 for at once. One that is being proved counts from its own first check; all that
 * have passed are checked together, so that a fleet costs one look an interval.
 */
export function nextCheckOf(execution: Execution, { status, health: { checkedAt } }: Instance): Instant {
  if (checkedAt === null) return 0
  const interval = seconds(execution.spec.healthCheckIntervalSeconds)
  if (status !== 'COMPLETED') return checkedAt + interval
  const beats = Math.floor((checkedAt - execution.createdAt) / interval)
  return execution.createdAt + (beats + 1) * interval
}

/** For a look: tells of a pod whether its health endpoint is due to be asked now. One that is about to be up counts. */
export function wantsProbe(execution: Execution, now: Instant): (pod: PodRef) => boolean {
  if (execution.healthEndpoint === null) return () => false
  const due = new Set<string>()
  for (const instance of execution.instances) {
    const pod = targetPod(instance)
    if (pod === null) continue
    if (instance.status === 'UPGRADING' || isCheckDue(execution, instance, now)) due.add(pod.uid)
  }
  return (pod) => due.has(pod.uid)
}

/**
 * For a look: the pods that are about to go, of which it is asked whether they may. Those come first that go first: where a
 * budget leaves one at a time, that is the one whose turn it is.
 */
export function podsAboutToGo(execution: Execution): readonly PodRef[] {
  if (asksOnTheWayBack(execution)) return askedBack(execution)
  if (!strategyOf(execution).asksBefore) return []
  if (settlesBack(execution))
    return execution.instances
      .filter(isPair)
      .flatMap(({ pod, nextPod }) => [pod, nextPod].filter((one) => one !== null))
  const sorted = inOrder(execution, execution.instances)
  return sorted.flatMap((instance) => (isAboutToGo(instance) ? (oldPod(instance) ?? []) : []))
}

/** A way back is to end before it is through: of two pods in a place one goes. */
const settlesBack = ({ status, stage }: Execution): boolean => status === 'ROLLING_BACK' && stage === 'releasing'

/** Stages of the way back in which pods go, or are about to. */
const back: ReadonlySet<Stage> = new Set(['undoing', 'reverting'])

/** True while disruption budgets are asked before ready pods go back (docs/adr/0055): where they are on the way forward too. */
export function asksOnTheWayBack(execution: Execution): boolean {
  const { stage, capabilities } = execution
  return back.has(stage) && capabilities.hold === 'gate' && strategyOf(execution).asksBefore
}

/** As many are asked about in one look: the next ones are when these have gone. */
const mostAsked = 200

/** The ready pods of which it is asked whether they may go back: as many as one look asks about. One that is not ready serves nobody, and goes unasked. */
function askedBack({ instances }: Execution): readonly PodRef[] {
  const away = instances.filter(({ ready }) => ready).flatMap((one) => awayPod(one) ?? [])
  return away.slice(0, mostAsked)
}

/** The pod of the place that is to go on the way back. */
export function awayPod({ side, pod, nextPod }: Instance): PodRef | null {
  return nextPod ?? (side === 'previous' ? null : pod)
}

/** Chosen and not let go; or its new pod has passed and the old one still stands. */
function isAboutToGo(instance: Instance): boolean {
  return instance.status === 'DRAINING' || (instance.status === 'COMPLETED' && instance.surge)
}

/** When anything in flight is looked at again: often at first, then more seldom. */
export function nextGlance(execution: Execution, now: Instant): Instant {
  const started = execution.instances.reduce(
    (latest, instance) => (isInFlight(instance) ? Math.max(latest, instance.startedAt ?? 0) : latest),
    0,
  )
  const slowest = seconds(execution.spec.healthCheckIntervalSeconds)
  return now + Math.min(Math.max(seconds(1), Math.floor((now - started) / 8)), slowest)
}
