import type { KubeInput } from '../../store/types.ts'
import { isTrue, withCondition } from '../conditions.ts'
import { timestamp, type Write } from '../decision.ts'
import type { Condition, Job, JobStatus, Pod } from '../model.ts'
import { isDeleting, isFinished, isReady } from '../pod-state.ts'
import type { Admission } from '../policy/quota.ts'
import type { Counted } from './tracking.ts'

export type JobSnapshot = {
  readonly job: Job
  readonly pods: readonly Pod[]
  readonly now: number
  /** How many pods like this one quotas let in. */
  readonly admit: (pod: KubeInput, wanted: number) => Admission
}

/** Why a Job is over. */
export type Verdict = { readonly type: 'Complete' | 'Failed'; readonly reason: string; readonly message: string }
/** A Job in the middle of a pass: its ended pods counted, its active ones found. */
export type Pass = JobSnapshot & { readonly count: Counted; readonly active: readonly Pod[] }

/** The status at the end of a pass that makes these writes. */
export function statusOf(
  { job, count, active, pods, now }: Pass,
  verdict: Verdict | undefined,
  writes: readonly Write[],
): JobStatus {
  const over = verdict !== undefined && active.length === 0 && !pods.some((pod) => isDeleting(pod) && !isFinished(pod))
  const creating = writes.filter(({ kind }) => kind === 'create').length
  const { completionTime: _, uncountedTerminatedPods: __, ...kept } = job.status ?? {}
  const conditions = conditionsOf(job, verdict, over, now)
  return {
    ...kept,
    ...(conditions.length === 0 ? {} : { conditions }),
    active: verdict === undefined && job.spec.suspend !== true ? active.length + creating : 0,
    ready: active.filter(isReady).length,
    terminating: pods.filter((pod) => isDeleting(pod) && !isFinished(pod)).length,
    ...(count.succeeded > 0 ? { succeeded: count.succeeded } : {}),
    ...(count.failed > 0 ? { failed: count.failed } : {}),
    uncountedTerminatedPods: {},
    ...(over && verdict?.type === 'Complete' ? { completionTime: timestamp(now) } : {}),
  }
}

/** First what will be (SuccessCriteriaMet, FailureTarget), and once all pods have ended what is. */
function conditionsOf(job: Job, verdict: Verdict | undefined, over: boolean, now: number): readonly Condition[] {
  const before = job.status?.conditions ?? []
  const suspended = suspension(job, before, now)
  if (verdict === undefined) return suspended
  const { type, reason, message } = verdict
  const target = type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget'
  const at = { lastProbeTime: timestamp(now) }
  const known = isTrue(suspended, target)
    ? suspended
    : withCondition(suspended, { type: target, status: 'True', reason, message, ...at }, now)
  return over ? withCondition(known, { type, status: 'True', reason, message, ...at }, now) : known
}

function suspension({ spec }: Job, conditions: readonly Condition[], now: number): readonly Condition[] {
  const is = isTrue(conditions, 'Suspended')
  if (spec.suspend === true && !is) {
    return withCondition(
      conditions,
      { type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' },
      now,
    )
  }
  if (spec.suspend === true || !is) return conditions
  return withCondition(
    conditions,
    { type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' },
    now,
  )
}
