import { withCondition } from '../controllers/conditions.ts'
import type { Condition, ContainerStatus, Pod, PodStatus } from '../controllers/model.ts'
import { podResources } from '../controllers/policy/requests.ts'

/** The containers of a pod as its status lists them. */
export type ContainerStatuses = { readonly init: readonly ContainerStatus[]; readonly main: readonly ContainerStatus[] }

/** The status that follows from the containers: phase and conditions. */
export function statusFrom(pod: Pod, { init, main }: ContainerStatuses, now: number): PodStatus {
  const phase = phaseOf(pod, main)
  return {
    ...pod.status,
    phase,
    conditions: conditionsOf(pod, init, main, phase, now),
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: main,
    qosClass: pod.status?.qosClass ?? qosOf(pod),
  }
}

/** Whether the init containers let the main ones start: each has succeeded, or is one that stays and is ready. */
export function isInitialized(init: readonly ContainerStatus[]): boolean {
  return init.every(({ state, ready }) => state.terminated?.exitCode === 0 || (ready && state.running !== undefined))
}

function phaseOf(pod: Pod, main: readonly ContainerStatus[]): string {
  const policy = pod.spec.restartPolicy ?? 'Always'
  const ended = main.flatMap(({ state }) => (state.terminated === undefined ? [] : [state.terminated.exitCode]))
  const final = ended.length === main.length && policy !== 'Always'
  if (final && ended.every((code) => code === 0)) return 'Succeeded'
  if (final && policy === 'Never') return 'Failed'
  const hasStarted = ({ state, lastState }: ContainerStatus) =>
    state.running !== undefined || state.terminated !== undefined || lastState.terminated !== undefined
  return main.some(hasStarted) ? 'Running' : 'Pending'
}

function conditionsOf(
  pod: Pod,
  init: readonly ContainerStatus[],
  main: readonly ContainerStatus[],
  phase: string,
  now: number,
): readonly Condition[] {
  const unready = main.filter(({ ready }) => !ready).map(({ name }) => name)
  const done = phase === 'Succeeded' || phase === 'Failed'
  const why = done ? { reason: phase === 'Failed' ? 'PodFailed' : 'PodCompleted' } : unreadyReason(unready)
  const readiness = (type: string): Pick<Condition, 'type' | 'status'> & Partial<Condition> =>
    unready.length === 0 && !done ? { type, status: 'True' } : { type, status: 'False', ...why }
  const initialized = isInitialized(init)
    ? { status: 'True' as const }
    : { status: 'False' as const, reason: 'ContainersNotInitialized' }
  const wanted = [
    { type: 'PodReadyToStartContainers', status: done ? ('False' as const) : ('True' as const) },
    { type: 'Initialized', ...initialized },
    readiness('Ready'),
    readiness('ContainersReady'),
    { type: 'PodScheduled', status: 'True' as const },
  ]
  return wanted.reduce<readonly Condition[]>((all, each) => withCondition(all, each, now), pod.status?.conditions ?? [])
}

const unreadyReason = (names: readonly string[]) => ({
  reason: 'ContainersNotReady',
  message: `containers with unready status: [${names.join(' ')}]`,
})

function qosOf(pod: Pod): string {
  const { requests, limits } = podResources(pod.spec)
  if (Object.keys(requests).length === 0) return 'BestEffort'
  const full = ['cpu', 'memory'].every((name) => (limits[name] ?? 0) > 0 && limits[name] === requests[name])
  return full ? 'Guaranteed' : 'Burstable'
}
