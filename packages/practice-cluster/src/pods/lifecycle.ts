import { type Decision, event, NOTHING, sooner, timestamp, type Write } from '../controllers/decision.ts'
import type { Container, ContainerStatus, Pod } from '../controllers/model.ts'
import { isDeleting, isFinished } from '../controllers/pod-state.ts'
import { types } from '../resources/table.ts'
import { jsonEqual } from '../store/equal.ts'
import { type Step, stepOf, waitingStatus } from './container.ts'
import { terminateMs } from './faults.ts'
import type { PodSettings } from './settings.ts'
import { isInitialized, statusFrom } from './status.ts'

export type PodSnapshot = {
  readonly pod: Pod
  readonly now: number
  /** Since when a container is as its status says, or '' for since when the pod is being deleted, in milliseconds. */
  readonly since: (container: string) => number
  /** The addresses that the pod gets when its node accepts it. */
  readonly addresses: () => { readonly podIP: string; readonly hostIP: string }
  readonly settings: PodSettings
}

/** What the node of a scheduled pod does with it next. */
export function decidePod(snapshot: PodSnapshot): Decision {
  const { pod } = snapshot
  if (isDeleting(pod)) return terminate(snapshot)
  if (isFinished(pod)) return NOTHING
  return pod.status?.startTime === undefined ? accept(snapshot) : live(snapshot)
}

/** A deleted pod stops in its own time, at the latest at the end of its grace period, and is then removed. */
function terminate({ pod, now, since, settings }: PodSnapshot): Decision {
  const grace = (pod.metadata.deletionGracePeriodSeconds ?? 0) * 1000
  const left = Math.min(grace, terminateMs(pod, settings)) - Math.max(0, now - since(''))
  if (left > 0) return { writes: killings(pod), requeueAfterMs: left }
  const held = grace === 0 && (pod.metadata.finalizers ?? []).length > 0
  return held ? NOTHING : { writes: [{ kind: 'delete', type: types.pods, object: pod, graceSeconds: 0 }] }
}

function killings(pod: Pod): readonly Write[] {
  const running = (pod.status?.containerStatuses ?? []).filter(({ state }) => state.running !== undefined)
  return running.map(({ name }) => event(pod, 'Normal', 'Killing', `Stopping container ${name}`))
}

function accept({ pod, now, addresses }: PodSnapshot): Decision {
  const { podIP, hostIP } = addresses()
  const init = pod.spec.initContainers ?? []
  const reason = init.length > 0 ? 'PodInitializing' : 'ContainerCreating'
  const waiting = (containers: readonly Container[]) => containers.map((each) => waitingStatus(each, reason))
  const placed = { hostIP, hostIPs: [{ ip: hostIP }], podIP, podIPs: [{ ip: podIP }], startTime: timestamp(now) }
  const begun = { ...pod, status: { ...pod.status, ...placed } }
  const status = statusFrom(begun, { init: waiting(init), main: waiting(pod.spec.containers) }, now)
  return { writes: [{ kind: 'status', type: types.pods, object: { ...pod, status } }] }
}

function live(snapshot: PodSnapshot): Decision {
  const { pod, now } = snapshot
  const init = stepInit(snapshot)
  const main = isInitialized(init.statuses)
    ? stepAll(snapshot, pod.spec.containers, pod.status?.containerStatuses ?? [], false)
    : still(pod.status?.containerStatuses ?? [])
  const status = statusFrom(pod, { init: init.statuses, main: main.statuses }, now)
  const changed = !jsonEqual(status, pod.status)
  return {
    writes: [
      ...(changed ? [{ kind: 'status', type: types.pods, object: { ...pod, status } } as const] : []),
      ...[...init.events, ...main.events],
    ],
    requeueAfterMs: sooner(init.againMs, main.againMs),
  }
}

type Stepped = {
  readonly statuses: readonly ContainerStatus[]
  readonly events: readonly Write[]
  readonly againMs: number | undefined
}

const still = (statuses: readonly ContainerStatus[]): Stepped => ({ statuses, events: [], againMs: undefined })

/** Init containers run one after another: only the first that is not done moves. */
function stepInit(snapshot: PodSnapshot): Stepped {
  const containers = snapshot.pod.spec.initContainers ?? []
  const statuses = snapshot.pod.status?.initContainerStatuses ?? []
  const at = statuses.findIndex((status) => !isInitialized([status]))
  const container = containers[at]
  const status = statuses[at]
  if (container === undefined || status === undefined) return still(statuses)
  const moved = stepAll(snapshot, [container], [status], true)
  return { ...moved, statuses: statuses.map((each, i) => (i === at ? (moved.statuses[0] ?? each) : each)) }
}

function stepAll(
  { pod, since, now, settings }: PodSnapshot,
  containers: readonly Container[],
  statuses: readonly ContainerStatus[],
  init: boolean,
): Stepped {
  const steps = containers.map((container): Step & { readonly status: ContainerStatus } => {
    const status = statuses.find(({ name }) => name === container.name) ?? waitingStatus(container, 'ContainerCreating')
    const elapsedMs = Math.max(0, now - since(container.name))
    return { status, ...stepOf({ pod, container, init, status, elapsedMs, now, settings }) }
  })
  return {
    statuses: steps.map(({ status }) => status),
    events: steps.flatMap(({ events = [] }) =>
      events.map((text): Write => ({ kind: 'event', about: pod, event: text })),
    ),
    againMs: steps.map(({ againMs }) => againMs).reduce(sooner, undefined),
  }
}
