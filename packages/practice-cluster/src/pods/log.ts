import { findCondition } from '../controllers/conditions.ts'
import { millis, timestamp } from '../controllers/decision.ts'
import type { Container, ContainerStatus, Pod, Terminated } from '../controllers/model.ts'
import { faultOf, readyAfterMs } from './faults.ts'
import { defaultPodSettings } from './settings.ts'

/** How many lines one run of a container keeps. */
const KEPT = 200
const PROBE_PERIOD_MS = 10_000

export type LogOptions = {
  readonly tailLines?: number | undefined
  /** Asks for the run before the present one. */
  readonly previous?: boolean | undefined
  readonly sinceSeconds?: number | undefined
  /** Milliseconds since the epoch; a pod that is never ready goes on complaining until then. */
  readonly now: number
}

/** One line that a container wrote. */
export type LogLine = { readonly at: string; readonly text: string }

/**
 * What a simulated container has written, or undefined when it has not run: no such container, still waiting, or no
 * earlier run. It follows from the stored pod alone, so that it is the same after a restart of the practice cluster.
 */
export function readLog(pod: Pod, container: string, options: LogOptions): readonly LogLine[] | undefined {
  const wanted = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].find(({ name }) => name === container)
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {}
  const status = [...initContainerStatuses, ...containerStatuses].find(({ name }) => name === container)
  if (wanted === undefined || status === undefined) return undefined
  const run = runOf(status, options.previous === true)
  if (run === undefined) return undefined
  const lines = linesOf(pod, wanted, status, run, options.now).slice(-KEPT)
  const from = options.sinceSeconds === undefined ? 0 : options.now - options.sinceSeconds * 1000
  const recent = lines.filter(({ at }) => millis(at) >= Math.floor(from / 1000) * 1000)
  return options.tailLines === undefined ? recent : recent.slice(Math.max(0, recent.length - options.tailLines))
}

/** One run of a container: since when, and how it ended if it has. */
type Run = { readonly startedAt: string; readonly ended: Terminated | undefined; readonly number: number }

function runOf({ state, lastState, restartCount }: ContainerStatus, previous: boolean): Run | undefined {
  const last = lastState.terminated
  const earlier =
    last === undefined ? undefined : { startedAt: last.startedAt ?? last.finishedAt, ended: last, number: restartCount }
  if (state.running !== undefined) {
    return previous
      ? earlier && { ...earlier, number: restartCount - 1 }
      : { startedAt: state.running.startedAt, ended: undefined, number: restartCount }
  }
  const { terminated } = state
  if (terminated === undefined || previous) return earlier
  return { startedAt: terminated.startedAt ?? terminated.finishedAt, ended: terminated, number: restartCount }
}

function linesOf(pod: Pod, container: Container, status: ContainerStatus, run: Run, now: number): readonly LogLine[] {
  const line = (at: string, text: string): LogLine => ({ at, text })
  const begun = [
    line(
      run.startedAt,
      `[simulated] ${container.name} starting, image ${container.image ?? ''}, run ${run.number + 1}`,
    ),
    line(run.startedAt, '[simulated] nothing really runs here: these lines are played by the practice cluster'),
  ]
  if (run.ended !== undefined)
    return [...begun, ...farewell(run.ended).map((text) => line(run.ended?.finishedAt ?? '', text))]
  if (status.ready) {
    const since = findCondition(pod.status?.conditions, 'Ready')?.lastTransitionTime ?? run.startedAt
    return [...begun, line(since, '[simulated] ready, serving requests')]
  }
  return faultOf(pod, container) === 'never-ready' ? [...begun, ...complaints(pod, container, run, now)] : begun
}

function farewell({ exitCode }: Terminated): readonly string[] {
  if (exitCode === 0) return ['[simulated] done']
  return [
    '[simulated] fatal: told to fail by the image tag or the fault annotation',
    `[simulated] exiting with code ${exitCode}`,
  ]
}

/** A line for each failed probe, the newest last; only as many as are kept. */
function complaints(pod: Pod, container: Container, { startedAt }: Run, now: number): readonly LogLine[] {
  const first = millis(startedAt) + readyAfterMs(pod, container, defaultPodSettings)
  const count = now < first ? 0 : Math.floor((now - first) / PROBE_PERIOD_MS) + 1
  const skipped = Math.max(0, count - KEPT)
  return Array.from({ length: count - skipped }, (_, i) => ({
    at: timestamp(first + (skipped + i) * PROBE_PERIOD_MS),
    text: '[simulated] health check answers 503: told to be never ready',
  }))
}
