import { isJsonObject, type Json } from '../../../core/json.ts'
import { keptText } from '../../../core/text.ts'
import type { Evidence, PodEvidence } from './types.ts'

/** So much is kept of what failed, and of each text of it. */
const MOST_BYTES = 64 * 1024
const MOST_TEXT = 500

/** Evidence that is masked, as it is kept: each text no longer than is read, and all of it at most 64 KiB. */
export function cutEvidence(evidence: Json): Json {
  const cut = cutTexts(evidence)
  return isEvidence(cut) ? (boundEvidence(cut, MOST_BYTES) as unknown as Json) : cut
}

function cutTexts(value: Json): Json {
  if (typeof value === 'string') return keptText(value.slice(0, MOST_TEXT))
  if (Array.isArray(value)) return value.map(cutTexts)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cutTexts(inner)]))
}

function isEvidence(value: unknown): value is Evidence {
  return isJsonObject(value) && Array.isArray(value.pods) && Array.isArray(value.workloads)
}

/** Cuts evidence to a size: first the logs of the last pods, then those pods. Says so in `incomplete`. */
export function boundEvidence(evidence: Evidence, maxBytes: number): Evidence {
  if (sizeOf(evidence) <= maxBytes) return evidence
  const pods = [...evidence.pods]
  const cut = (): Evidence => ({ ...evidence, pods, incomplete: true })
  for (let last = pods.length - 1; last >= 0 && sizeOf(cut()) > maxBytes; last--) {
    const pod = pods[last]
    if (pod !== undefined) pods[last] = withoutLogs(pod)
  }
  while (pods.length > 0 && sizeOf(cut()) > maxBytes) pods.pop()
  const less = [cut(), { ...cut(), workloads: evidence.workloads.slice(0, 10).map(withoutEvents) }]
  return less.find((each) => sizeOf(each) <= maxBytes) ?? { ...cut(), workloads: [] }
}

function withoutLogs(pod: PodEvidence): PodEvidence {
  return { ...pod, containers: pod.containers.map((container) => ({ ...container, log: [] })) }
}

function withoutEvents(workload: Evidence['workloads'][number]): Evidence['workloads'][number] {
  return { ...workload, events: [] }
}

const sizeOf = (evidence: Evidence): number => Buffer.byteLength(JSON.stringify(evidence))
