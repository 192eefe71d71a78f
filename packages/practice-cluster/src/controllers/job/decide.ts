import { types } from '../../resources/table.ts'
import { jsonEqual } from '../../store/equal.ts'
import type { KubeInput } from '../../store/types.ts'
import { findCondition, isTrue } from '../conditions.ts'
import { type Decision, event, millis, NOTHING, timestamp, type Write } from '../decision.ts'
import type { Job, JobStatus, Pod } from '../model.ts'
import { isActive, isFinished } from '../pod-state.ts'
import { jobPod } from './pod.ts'
import { type JobSnapshot, type Pass, statusOf, type Verdict } from './status.ts'
import { type Counted, counted, isTracked, untracked } from './tracking.ts'

const RETRY_DENIED_MS = 10_000
const FIRST_BACKOFF_MS = 10_000
const LONGEST_BACKOFF_MS = 600_000

/** What a Job does next: counts ended pods, judges, then makes or removes pods. */
export function decideJob({ job, pods, now, admit }: JobSnapshot): Decision {
  if (job.metadata.deletionTimestamp !== undefined) return { writes: pods.filter(isTracked).map(untracked) }
  if (isOver(job)) return expire(job, pods, now)
  const begun = started(job, now)
  const count = counted(begun, pods)
  const pass: Pass = { job: begun, pods, now, admit, count, active: pods.filter(isActive) }
  const verdict = judge(pass)
  const moved = verdict === undefined ? keepGoing(pass) : { writes: pass.active.map(remove) }
  const status = statusOf(pass, verdict, moved.writes)
  return {
    writes: [
      ...count.writes,
      ...moved.writes,
      ...(jsonEqual(status, job.status)
        ? []
        : [{ kind: 'status', type: types.jobs, object: { ...job, status } } as const]),
      ...outcomeEvent(job, verdict, status),
    ],
    requeueAfterMs: earliest(moved.requeueAfterMs, deadlineInMs(begun, now)),
  }
}

const isOver = ({ status }: Job): boolean =>
  isTrue(status?.conditions, 'Complete') || isTrue(status?.conditions, 'Failed')

const earliest = (...delays: readonly (number | undefined)[]): number | undefined => {
  const known = delays.filter((each) => each !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}

/** An ended Job stays until its time to live is over, and then goes with its pods. */
function expire(job: Job, pods: readonly Pod[], now: number): Decision {
  const released = pods.filter((pod) => isFinished(pod) && isTracked(pod)).map(untracked)
  const { ttlSecondsAfterFinished } = job.spec
  if (ttlSecondsAfterFinished === undefined) return { writes: released }
  const ended = job.status?.conditions?.find(({ type, status }) => isOutcome(type) && status === 'True')
  const left = millis(ended?.lastTransitionTime) + ttlSecondsAfterFinished * 1000 - now
  if (left > 0) return { writes: released, requeueAfterMs: left }
  return { writes: [...released, { kind: 'delete', type: types.jobs, object: job }] }
}

const isOutcome = (type: string): boolean => type === 'Complete' || type === 'Failed'

function started(job: Job, now: number): Job {
  if (job.spec.suspend === true || job.status?.startTime !== undefined) return job
  return { ...job, status: { ...job.status, startTime: timestamp(now) } }
}

function judge({ job, count, now, active }: Pass): Verdict | undefined {
  const pending = findCondition(job.status?.conditions, 'FailureTarget')
  if (pending?.status === 'True')
    return { type: 'Failed', reason: pending.reason ?? '', message: pending.message ?? '' }
  const restarts =
    job.spec.template.spec.restartPolicy === 'OnFailure' ? active.reduce((sum, pod) => sum + restartsOf(pod), 0) : 0
  if (count.failed + restarts > (job.spec.backoffLimit ?? 6)) {
    return { type: 'Failed', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' }
  }
  if ((deadlineInMs(job, now) ?? 1) <= 0) {
    return { type: 'Failed', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' }
  }
  return isEnough(job, count, active)
    ? { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
    : undefined
}

/** Without `completions` one success is enough, once the other pods have ended. */
function isEnough({ spec }: Job, { succeeded }: Counted, active: readonly Pod[]): boolean {
  const { completions } = wanted(spec)
  return completions === undefined ? succeeded > 0 && active.length === 0 : succeeded >= completions
}

function wanted({ completions, parallelism }: Job['spec']): { completions: number | undefined; parallelism: number } {
  const neither = completions === undefined && parallelism === undefined
  return { completions: neither ? 1 : completions, parallelism: parallelism ?? 1 }
}

const restartsOf = ({ status }: Pod): number =>
  (status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0)

function deadlineInMs({ spec, status }: Job, now: number): number | undefined {
  if (spec.activeDeadlineSeconds === undefined || spec.suspend === true || status?.startTime === undefined)
    return undefined
  return millis(status.startTime) + spec.activeDeadlineSeconds * 1000 - now
}

function keepGoing({ job, count, active, pods, now, admit }: Pass): Decision {
  if (job.spec.suspend === true) return { writes: active.map(remove) }
  const { completions, parallelism } = wanted(job.spec)
  const left =
    completions === undefined ? (count.succeeded > 0 ? active.length : parallelism) : completions - count.succeeded
  const room = Math.min(parallelism, left) - active.length
  if (room < 0) return { writes: active.slice(room).map(remove) }
  const wait = backoffInMs(pods, count.failed, now)
  if (room === 0) return NOTHING
  if (wait > 0) return { writes: [], requeueAfterMs: wait }
  return created(
    job,
    freeIndexes(job, pods, room).map((index) => jobPod(job, index)),
    admit,
  )
}

/** As many as quotas let in. What keeps the others out is told in an event, and asked again. */
function created(job: Job, inputs: readonly KubeInput[], admit: JobSnapshot['admit']): Decision {
  const [first] = inputs
  if (first === undefined) return NOTHING
  const { allowed, why } = admit(first, inputs.length)
  const writes = inputs.slice(0, allowed).map((input): Write => ({ kind: 'create', type: types.pods, input }))
  if (allowed >= inputs.length) return { writes }
  const refusal = event(job, 'Warning', 'FailedCreate', `Error creating: ${why}`)
  return { writes: [...writes, refusal], requeueAfterMs: RETRY_DENIED_MS }
}

/** After failures the next pod waits 10 s, then twice as long each time, at most 10 min. */
function backoffInMs(pods: readonly Pod[], failed: number, now: number): number {
  if (failed === 0) return 0
  const ends = pods.filter(({ status }) => status?.phase === 'Failed').map(endOf)
  const delay = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(20, failed - 1))
  return Math.max(0, ...ends) + delay - now
}

const endOf = ({ status }: Pod): number =>
  Math.max(0, ...(status?.containerStatuses ?? []).map(({ state }) => millis(state.terminated?.finishedAt)))

/** The completion indexes that no pod has, or as many places without one. */
function freeIndexes(job: Job, pods: readonly Pod[], room: number): readonly (number | undefined)[] {
  if (job.spec.completionMode !== 'Indexed') return Array.from({ length: room }, () => undefined)
  const taken = new Set(pods.filter((pod) => isActive(pod) || pod.status?.phase === 'Succeeded').map(indexOf))
  const all = Array.from({ length: job.spec.completions ?? 1 }, (_, index) => index)
  return all.filter((index) => !taken.has(String(index))).slice(0, room)
}

const indexOf = ({ metadata }: Pod): string | undefined =>
  metadata.annotations?.['batch.kubernetes.io/job-completion-index']

const remove = (object: Pod): Write => ({ kind: 'delete', type: types.pods, object })

function outcomeEvent(job: Job, verdict: Verdict | undefined, { conditions }: JobStatus): readonly Write[] {
  if (verdict === undefined || !isTrue(conditions, verdict.type)) return []
  if (verdict.type === 'Failed') return [event(job, 'Warning', verdict.reason, verdict.message)]
  return [event(job, 'Normal', 'Completed', 'Job completed')]
}
