import { type EventText, timestamp } from '../controllers/decision.ts'
import { hashOf } from '../controllers/hash.ts'
import type { Container, ContainerState, ContainerStatus, Pod } from '../controllers/model.ts'
import { type Fault, faultOf, readyAfterMs, runMs } from './faults.ts'
import { LONGEST_BACKOFF_MS, type PodSettings } from './settings.ts'

/** A container in its pod, and how long it has been as its status says. */
export type ContainerView = {
  readonly pod: Pod
  readonly container: Container
  /** Whether it has to end before the pod can start. */
  readonly init: boolean
  readonly status: ContainerStatus
  readonly elapsedMs: number
  readonly now: number
  readonly settings: PodSettings
}

/** What happens to a container: another status, events, and when to look again. */
export type Step = {
  readonly status?: ContainerStatus
  readonly events?: readonly EventText[]
  readonly againMs?: number
}

const CREATE_MS = 40
const INIT_MS = 50
const CRASH_MS = 100
const PULL_MS = 500
const FIRST_RESTART_MS = 100
const PROBE_PERIOD_MS = 10_000

type Kind = 'creating' | 'pulling' | 'backoff' | 'running' | 'ready' | 'terminated'

/** The next step of a container, from its stored status alone. */
export function stepOf(view: ContainerView): Step {
  return steps[kindOf(view.status)](view)
}

const steps: Readonly<Record<Kind, (view: ContainerView) => Step>> = {
  creating: (view) =>
    faultOf(view.pod, view.container) === 'imagepull' ? pullFailed(view) : after(view, createMs(view), start),
  pulling: (view) => (faultOf(view.pod, view.container) === 'imagepull' ? pullAgain(view) : start(view)),
  backoff: (view) => after(view, exits(view) ? backoffMs(view) : 0, restart),
  running: (view) => running(view),
  ready: (view) => ready(view),
  terminated: (view) => (isFinal(view) ? {} : after(view, exits(view) ? FIRST_RESTART_MS : 0, restart)),
}

/** Who wants pods to be ready sooner than that does not want to wait for their creation either. */
const createMs = ({ settings }: ContainerView): number => Math.min(CREATE_MS, settings.readyMs)

function kindOf({ state, ready: isReady }: ContainerStatus): Kind {
  if (state.terminated !== undefined) return 'terminated'
  if (state.running !== undefined) return isReady ? 'ready' : 'running'
  if (state.waiting?.reason === 'CrashLoopBackOff') return 'backoff'
  return state.waiting?.reason.startsWith('ErrImage') || state.waiting?.reason.startsWith('ImagePull')
    ? 'pulling'
    : 'creating'
}

/** The status of a container that has not started. */
export function waitingStatus(container: Container, reason: string): ContainerStatus {
  const image = container.image ?? ''
  return {
    name: container.name,
    image,
    imageID: '',
    ready: false,
    started: false,
    restartCount: 0,
    state: { waiting: { reason } },
    lastState: {},
  }
}

/** Whether a container ends by itself, well or badly, rather than serving. */
function runsToEnd({ pod, init, container }: ContainerView): boolean {
  if (init) return container.restartPolicy !== 'Always'
  return pod.spec.restartPolicy === 'Never' || pod.spec.restartPolicy === 'OnFailure'
}

const exits = ({ pod, container }: ContainerView): boolean => badExits.has(faultOf(pod, container))
const badExits: ReadonlySet<Fault | undefined> = new Set<Fault | undefined>(['crash', 'fail'])

function running(view: ContainerView): Step {
  if (exits(view)) return after(view, runsToEnd(view) && !view.init ? runMs(view.pod, view.settings) : CRASH_MS, crash)
  if (view.init) return runsToEnd(view) ? after(view, INIT_MS, complete) : after(view, 0, becomeReady)
  const readyMs = readyAfterMs(view.pod, view.container, view.settings)
  const endMs = runsToEnd(view) ? runMs(view.pod, view.settings) : Number.POSITIVE_INFINITY
  if (faultOf(view.pod, view.container) !== 'never-ready') {
    return endMs <= readyMs ? after(view, endMs, complete) : after(view, readyMs, becomeReady)
  }
  return after(view, readyMs, probeFailed)
}

function ready(view: ContainerView): Step {
  const fault = faultOf(view.pod, view.container)
  if (exits(view)) return crash(view)
  if (fault === 'never-ready' && !view.init)
    return { status: { ...view.status, ready: false }, events: [unhealthy], againMs: PROBE_PERIOD_MS }
  if (!runsToEnd(view)) return {}
  const readyMs = readyAfterMs(view.pod, view.container, view.settings)
  return after(view, runMs(view.pod, view.settings) - readyMs, complete)
}

function after(view: ContainerView, ms: number, then: (view: ContainerView) => Step): Step {
  return view.elapsedMs >= ms ? then(view) : { againMs: ms - view.elapsedMs }
}

function start(view: ContainerView): Step {
  const { container } = view
  const events: readonly EventText[] = [
    { type: 'Normal', reason: 'Pulled', message: `Container image "${container.image}" already present on machine` },
    { type: 'Normal', reason: 'Created', message: `Container created: ${container.name}` },
    { type: 'Normal', reason: 'Started', message: `Container started: ${container.name}` },
  ]
  return { status: started(view, view.status.restartCount), events }
}

function started({ pod, container, status, now }: ContainerView, restartCount: number): ContainerStatus {
  const image = container.image ?? ''
  return {
    ...status,
    image,
    imageID: `simulated://${image.split(':')[0]}@${hashOf(image)}`,
    containerID: `simulated://${hashOf([pod.metadata.uid, container.name, restartCount])}`,
    ready: false,
    started: true,
    restartCount,
    state: { running: { startedAt: timestamp(now) } },
  }
}

function restart(view: ContainerView): Step {
  const { state, restartCount, lastState } = view.status
  const ended: ContainerState = state.terminated === undefined ? lastState : { terminated: state.terminated }
  const step = start({ ...view, status: { ...view.status, restartCount: restartCount + 1, lastState: ended } })
  return step
}

function becomeReady({ status }: ContainerView): Step {
  return { status: { ...status, ready: true } }
}

const unhealthy: EventText = {
  type: 'Warning',
  reason: 'Unhealthy',
  message: 'Readiness probe failed: HTTP probe failed with statuscode: 503 (simulated)',
}

/** Probing never ends, at a growing distance so that a pod that is never ready costs almost nothing. */
function probeFailed({ elapsedMs }: ContainerView): Step {
  return { events: [unhealthy], againMs: Math.min(LONGEST_BACKOFF_MS, Math.max(PROBE_PERIOD_MS, elapsedMs)) }
}

function ended(view: ContainerView, exitCode: number, reason: string): ContainerState {
  const startedAt = view.status.state.running?.startedAt ?? timestamp(view.now)
  const containerID = view.status.containerID === undefined ? {} : { containerID: view.status.containerID }
  return { terminated: { exitCode, reason, startedAt, finishedAt: timestamp(view.now), ...containerID } }
}

function complete(view: ContainerView): Step {
  const { status, init } = view
  return { status: { ...status, ready: init, started: false, state: ended(view, 0, 'Completed') } }
}

function crash(view: ContainerView): Step {
  const status = { ...view.status, ready: false, started: false }
  const terminated = ended(view, 1, 'Error')
  const crashed = { ...view, status: { ...status, state: terminated } }
  if (status.restartCount === 0 || isFinal(crashed)) return { status: crashed.status }
  const delay = `${Math.round(backoffMs(view) / 1000)}s`
  const message = `back-off ${delay} restarting failed container=${view.container.name} pod=${view.pod.metadata.name}`
  const state = { waiting: { reason: 'CrashLoopBackOff', message } }
  return {
    status: { ...status, state, lastState: terminated },
    events: [
      {
        type: 'Warning',
        reason: 'BackOff',
        message: `Back-off restarting failed container ${view.container.name} in pod ${view.pod.metadata.name}`,
      },
    ],
  }
}

function backoffMs({ status, settings }: ContainerView): number {
  return Math.min(LONGEST_BACKOFF_MS, settings.crashBackoffMs * 2 ** Math.min(20, status.restartCount - 1))
}

/** Whether an ended container stays as it is. */
function isFinal({ pod, init, container, status }: ContainerView): boolean {
  const policy = container.restartPolicy ?? pod.spec.restartPolicy ?? 'Always'
  if (status.state.terminated?.exitCode === 0) return init || policy !== 'Always'
  return policy === 'Never'
}

function pullFailed({ container, status }: ContainerView): Step {
  const image = container.image ?? ''
  const message = `failed to pull and unpack image "${image}": not found (simulated)`
  return {
    status: { ...status, state: { waiting: { reason: 'ErrImagePull', message } } },
    events: [
      { type: 'Normal', reason: 'Pulling', message: `Pulling image "${image}"` },
      { type: 'Warning', reason: 'Failed', message: `Failed to pull image "${image}": ${message}` },
      { type: 'Warning', reason: 'Failed', message: 'Error: ErrImagePull' },
    ],
  }
}

function pullAgain(view: ContainerView): Step {
  const reason = 'ImagePullBackOff'
  if (view.status.state.waiting?.reason === reason) return {}
  const message = `Back-off pulling image "${view.container.image}"`
  return after(view, PULL_MS, ({ status }) => ({
    status: { ...status, state: { waiting: { reason, message } } },
    events: [
      { type: 'Normal', reason: 'BackOff', message },
      { type: 'Warning', reason: 'Failed', message: `Error: ${reason}` },
    ],
  }))
}
