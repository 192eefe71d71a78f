import type { Evidence, PodEvidence } from './types.ts'

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
  return sizeOf(cut()) > maxBytes ? { ...cut(), workloads: evidence.workloads.slice(0, 10).map(withoutEvents) } : cut()
}

function withoutLogs(pod: PodEvidence): PodEvidence {
  return { ...pod, containers: pod.containers.map((container) => ({ ...container, log: [] })) }
}

function withoutEvents(workload: Evidence['workloads'][number]): Evidence['workloads'][number] {
  return { ...workload, events: [] }
}

const sizeOf = (evidence: Evidence): number => Buffer.byteLength(JSON.stringify(evidence))
