import { types } from '../../resources/table.ts'
import type { Write } from '../decision.ts'
import type { Job, Pod } from '../model.ts'
import { isDeleting, isFinished } from '../pod-state.ts'
import { TRACKING } from './pod.ts'

/** How many pods of a Job have ended in all, and the writes that make it so that none is counted twice. */
export type Counted = { readonly succeeded: number; readonly failed: number; readonly writes: readonly Write[] }

export const isTracked = (pod: Pod): boolean => (pod.metadata.finalizers ?? []).includes(TRACKING)

/** Lets a counted pod go. */
export function untracked(pod: Pod): Write {
  const finalizers = (pod.metadata.finalizers ?? []).filter((each) => each !== TRACKING)
  return { kind: 'update', type: types.pods, object: { ...pod, metadata: { ...pod.metadata, finalizers } } }
}

/**
 * Counts ended pods in three writes: the status notes them as uncounted, their finalizers go, and the final status of
 * the pass adds them up. A process that ends in between finds the notes and neither loses nor repeats a pod.
 */
export function counted(job: Job, pods: readonly Pod[]): Counted {
  const { succeeded = 0, failed = 0, uncountedTerminatedPods } = job.status ?? {}
  const noted = {
    succeeded: new Set(uncountedTerminatedPods?.succeeded),
    failed: new Set(uncountedTerminatedPods?.failed),
  }
  const fresh = pods.filter((pod) => isTracked(pod) && outcomeOf(pod) !== undefined)
  for (const pod of fresh) noted[outcomeOf(pod) ?? 'failed'].add(pod.metadata.uid)
  const uncounted = { succeeded: [...noted.succeeded], failed: [...noted.failed] }
  const note: Write = {
    kind: 'status',
    type: types.jobs,
    object: { ...job, status: { ...job.status, uncountedTerminatedPods: uncounted } },
  }
  return {
    succeeded: succeeded + noted.succeeded.size,
    failed: failed + noted.failed.size,
    writes: fresh.length === 0 ? [] : [note, ...fresh.map(untracked)],
  }
}

/** A pod that was deleted before it ended counts as failed. */
function outcomeOf(pod: Pod): 'succeeded' | 'failed' | undefined {
  if (pod.status?.phase === 'Succeeded') return 'succeeded'
  const isGone = isDeleting(pod) && (pod.metadata.deletionGracePeriodSeconds ?? 0) === 0
  return isFinished(pod) || isGone ? 'failed' : undefined
}
