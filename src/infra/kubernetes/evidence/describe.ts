import { withoutFoundValues } from '../found-values.ts'
import { conditionOf } from '../readiness/judgement.ts'
import type { ContainerStatus, Pod } from '../readiness/workload-types.ts'
import type { KubeObject } from '../types.ts'
import type { ContainerEvidence, EventEvidence, PodEvidence } from './types.ts'

export type EventObject = KubeObject & {
  readonly type?: string
  readonly reason?: string
  readonly message?: string
  readonly count?: number
  readonly lastTimestamp?: string
  readonly eventTime?: string
  readonly involvedObject?: { readonly uid?: string }
}

const MOST_TEXT = 500
const MOST_EVENTS = 10

/** True for a pod that may explain why a release is not ready. */
export function needsEvidence({ status }: Pod): boolean {
  return status?.phase !== 'Succeeded' && conditionOf(status?.conditions, 'Ready')?.status !== 'True'
}

/** When the cluster made an object, in milliseconds; 0 where it does not say. The cluster tells whole seconds. */
export function madeAt({ metadata }: KubeObject): number {
  return Date.parse(metadata.creationTimestamp ?? '') + 999 || 0
}

/** The pods of a workload that explain why it is not ready: those of this operation, and older ones where it has none. */
export function ofThisTime(pods: readonly Pod[], since: number): readonly Pod[] {
  const unready = pods.filter(needsEvidence)
  const fresh = unready.filter((pod) => madeAt(pod) >= since)
  return fresh.length > 0 ? fresh : unready
}

/** A pod in words, without its spec: environment and mounted values stay out. */
export function describePod({ metadata, spec, status = {} }: Pod): PodEvidence {
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
  const scheduled = conditionOf(status.conditions, 'PodScheduled')
  const unscheduled = scheduled?.status === 'False' ? (scheduled.message ?? scheduled.reason) : undefined
  return {
    name: metadata.name,
    phase: metadata.deletionTimestamp === undefined ? (status.phase ?? 'Pending') : 'Terminating',
    reason: shorten(status.message ?? status.reason ?? unscheduled ?? conditionOf(status.conditions, 'Ready')?.message),
    node: spec?.nodeName ?? null,
    containers: containers.map(describeContainer),
    events: [],
  }
}

function describeContainer(status: ContainerStatus): ContainerEvidence {
  const { waiting, running, terminated } = status.state ?? {}
  const ended = terminated ?? status.lastState?.terminated
  const state = waiting?.reason ?? terminated?.reason ?? (running === undefined ? 'Waiting' : 'Running')
  return {
    name: status.name,
    ready: status.ready === true,
    restarts: status.restartCount ?? 0,
    state,
    message: shorten(waiting?.message ?? ended?.message),
    exitCode: ended?.exitCode ?? null,
    log: [],
  }
}

/** True when the lines that matter are those of the container that crashed, not of the one started since. */
export function hasCrashed(status: ContainerStatus): boolean {
  return (status.restartCount ?? 0) > 0 && status.state?.terminated === undefined
}

/** The newest events, oldest of them first. */
export function describeEvents(events: readonly EventObject[]): readonly EventEvidence[] {
  const newest = [...events].sort((one, other) => timeOf(one).localeCompare(timeOf(other))).slice(-MOST_EVENTS)
  return newest.map(({ type = 'Normal', reason = '', message = '', count = 1 }) => {
    return { type, reason, message: shorten(message) ?? '', count }
  })
}

/** The last lines of a log, each cut to a readable length. */
export function describeLog(text: string, lines: number): readonly string[] {
  const all = text.split('\n').filter((line) => line.trim() !== '')
  return all.slice(-lines).map((line) => withoutFoundValues(line).slice(0, MOST_TEXT))
}

function timeOf({ lastTimestamp, eventTime, metadata }: EventObject): string {
  return lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? ''
}

function shorten(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : withoutFoundValues(text).slice(0, MOST_TEXT)
}
