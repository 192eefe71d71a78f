import { type EventObject, timeOf } from '../events.ts'
import { withoutFoundValues } from '../found-values.ts'
import { conditionOf } from '../readiness/judgement.ts'
import type { ContainerStatus, Pod } from '../readiness/workload-types.ts'
import type { KubeObject } from '../types.ts'
import type { ContainerEvidence, EventEvidence, PodEvidence } from './types.ts'

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
    reason: told(status.message ?? status.reason ?? unscheduled ?? conditionOf(status.conditions, 'Ready')?.message),
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
    message: told(waiting?.message ?? wholeLines(ended?.message)),
    exitCode: ended?.exitCode ?? null,
    log: [],
  }
}

/** A kubelet keeps the last 2 or 4 KiB of what a container says at its end: what it has cut begins within a line. */
function wholeLines(message: string | undefined): string | undefined {
  if (message === undefined || Buffer.byteLength(message) < 2048) return message
  const end = message.indexOf('\n')
  return end === -1 ? undefined : message.slice(end + 1)
}

/** True when the lines that matter are those of the container that crashed, not of the one started since. */
export function hasCrashed(status: ContainerStatus): boolean {
  return (status.restartCount ?? 0) > 0 && status.state?.terminated === undefined
}

/** The newest events, oldest of them first. */
export function describeEvents(events: readonly EventObject[]): readonly EventEvidence[] {
  const newest = [...events].sort((one, other) => timeOf(one).localeCompare(timeOf(other))).slice(-MOST_EVENTS)
  return newest.map(({ type = 'Normal', reason = '', message = '', count = 1 }) => {
    return { type, reason, message: told(message) ?? '', count }
  })
}

/** What a log was asked for: so many lines, one more than are told, and of them no more than so many bytes. */
export type LogLimits = { readonly lines: number; readonly bytes: number }

/** Whether a log was cut by its bytes: of its last line, or of what comes after it, nobody knows more. */
export const isCutLog = (text: string, { bytes }: LogLimits): boolean => Buffer.byteLength(text) >= bytes

/**
 * The last lines of a log. Only whole ones: what a cut has left of a line may be a part of a text that must not be shown, and no
 * mask knows parts. So the last one goes where the bytes were too many, and the first one unless it is where the log begins: a
 * runtime writes a long line in several parts, which count as lines.
 */
export function describeLog(text: string, limits: LogLimits): readonly string[] {
  const lines = text.split('\n')
  const isCut = isCutLog(text, limits)
  if (isCut || lines.at(-1) === '') lines.pop()
  const whole = isCut || lines.length >= limits.lines ? lines.slice(1) : lines
  const told = whole.filter((line) => line.trim() !== '').slice(1 - limits.lines)
  return told.map(withoutFoundValues)
}

/** As long as the cluster says it: it is masked before it is cut. */
function told(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : withoutFoundValues(text)
}
