import { jsonEqual } from '../../store/equal.ts'
import { findCondition, withCondition, withoutCondition } from '../conditions.ts'
import { millis, timestamp } from '../decision.ts'
import type { Condition, Deployment, DeploymentStatus } from '../model.ts'
import { limitsOf, progressDeadlineMs, replicasOf } from './limits.ts'
import { availableOf, type Sets, total } from './replica-sets.ts'

const COMPLETE = 'NewReplicaSetAvailable'
const TIMED_OUT = 'ProgressDeadlineExceeded'
const PAUSED = 'DeploymentPaused'

type Counts = Required<
  Pick<DeploymentStatus, 'replicas' | 'updatedReplicas' | 'readyReplicas' | 'availableReplicas' | 'terminatingReplicas'>
>

/** Counts and the Available condition, without any judgement about progress: what a paused Deployment shows. */
export function countedStatus(deployment: Deployment, sets: Sets, now: number): DeploymentStatus {
  const counts = countsOf(sets)
  const { collisionCount, conditions } = deployment.status ?? {}
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    ...counts,
    unavailableReplicas: Math.max(0, counts.replicas - counts.availableReplicas),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: withCondition(conditions, changed(conditions, availability(deployment, counts), now), now),
  }
}

/** The status in a rollout: counts, progress against the deadline, failures to create pods. */
export function rolloutStatus(deployment: Deployment, sets: Sets, now: number): DeploymentStatus {
  const counted = countedStatus(deployment, sets, now)
  const progressed = withProgress(deployment, sets, counted, now)
  return { ...counted, conditions: withFailure(sets, progressed, now) }
}

/** The conditions of a Deployment that has just been paused or resumed, otherwise as they are. */
export function pauseConditions(deployment: Deployment, now: number): readonly Condition[] | undefined {
  const conditions = deployment.status?.conditions
  const { reason } = findCondition(conditions, 'Progressing') ?? {}
  const paused = deployment.spec.paused === true
  if (progressDeadlineMs(deployment) === undefined || reason === TIMED_OUT) return conditions
  if (paused === (reason === PAUSED)) return conditions
  return paused
    ? progressing(conditions, 'Unknown', PAUSED, 'Deployment is paused', now)
    : progressing(conditions, 'Unknown', 'DeploymentResumed', 'Deployment is resumed', now)
}

/** Whether all pods are of the present template and available. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = replicasOf(deployment)
  const counts = [status.updatedReplicas, status.replicas, status.availableReplicas]
  return counts.every((count) => count === wanted)
}

/** How long until the deadline of progress has to be judged again, in milliseconds. */
export function deadlineInMs(deployment: Deployment, status: DeploymentStatus, now: number): number | undefined {
  const deadline = progressDeadlineMs(deployment)
  const condition = findCondition(status.conditions, 'Progressing')
  if (deadline === undefined || condition === undefined || deployment.spec.paused === true) return undefined
  if (condition.reason === COMPLETE || condition.reason === TIMED_OUT) return undefined
  return Math.max(1000, millis(condition.lastUpdateTime) + deadline - now + 1000)
}

function countsOf({ current, old }: Sets): Counts {
  const all = current === undefined ? old : [...old, current]
  return {
    replicas: total(all, (set) => set.status?.replicas ?? 0),
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: total(all, (set) => set.status?.readyReplicas ?? 0),
    availableReplicas: total(all, availableOf),
    terminatingReplicas: total(all, (set) => set.status?.terminatingReplicas ?? 0),
  }
}

function availability(deployment: Deployment, counts: Counts): Condition {
  const enough = counts.availableReplicas >= replicasOf(deployment) - limitsOf(deployment).unavailable
  return enough
    ? {
        type: 'Available',
        status: 'True',
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      }
    : {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      }
}

/** A condition with the time of its last update, which stays when nothing about it changes. */
function changed(conditions: readonly Condition[] | undefined, wanted: Condition, now: number): Condition {
  const old = findCondition(conditions, wanted.type)
  const same = old?.status === wanted.status && old.reason === wanted.reason
  return same ? { ...wanted, ...old } : { ...wanted, lastUpdateTime: timestamp(now) }
}

function progressing(
  conditions: readonly Condition[] | undefined,
  status: Condition['status'],
  reason: string,
  message: string,
  now: number,
): readonly Condition[] {
  const wanted = { type: 'Progressing', status, reason, message, lastUpdateTime: timestamp(now) }
  return withCondition(conditions, wanted, now)
}

function withProgress(deployment: Deployment, { current }: Sets, status: DeploymentStatus, now: number) {
  const { conditions } = status
  if (progressDeadlineMs(deployment) === undefined) return withoutCondition(conditions, 'Progressing')
  const before = findCondition(deployment.status?.conditions, 'Progressing')
  if (before?.reason === COMPLETE && status.replicas === status.updatedReplicas) return conditions
  const what = current === undefined ? 'Deployment' : 'ReplicaSet'
  const name = `${what} "${(current ?? deployment).metadata.name}"`
  if (isComplete(deployment, status)) {
    return progressing(conditions, 'True', COMPLETE, `${name} has successfully progressed.`, now)
  }
  if (hasProgressed(deployment.status ?? {}, status)) {
    return progressing(conditions, 'True', 'ReplicaSetUpdated', `${name} is progressing.`, now)
  }
  if (!isOverdue(deployment, before, now)) return conditions
  return progressing(conditions, 'False', TIMED_OUT, `${name} has timed out progressing.`, now)
}

function hasProgressed(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0)
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  )
}

function isOverdue(deployment: Deployment, condition: Condition | undefined, now: number): boolean {
  const deadline = progressDeadlineMs(deployment)
  if (deadline === undefined || condition === undefined) return false
  if (condition.reason === COMPLETE || condition.reason === TIMED_OUT) return false
  return millis(condition.lastUpdateTime) + deadline < now
}

function withFailure({ current, old }: Sets, conditions: readonly Condition[] | undefined, now: number) {
  const sets = current === undefined ? old : [current, ...old]
  const failure = sets.map((set) => findCondition(set.status?.conditions, 'ReplicaFailure')).find((each) => each)
  if (failure === undefined) return withoutCondition(conditions, 'ReplicaFailure')
  const wanted = changed(conditions, failure, now)
  return withCondition(conditions, wanted, now)
}

/** Whether a status would change what is stored. */
export function statusDiffers(deployment: Deployment, status: DeploymentStatus): boolean {
  return !jsonEqual(deployment.status, status)
}

/** The conditions after a new ReplicaSet was made for the template. */
export function createdConditions(deployment: Deployment, name: string, now: number) {
  if (progressDeadlineMs(deployment) === undefined) return deployment.status?.conditions
  const message = `Created new replica set "${name}"`
  return progressing(deployment.status?.conditions, 'True', 'NewReplicaSetCreated', message, now)
}

/** The conditions after an earlier ReplicaSet was found to have the template, when nothing is known of progress. */
export function foundConditions(deployment: Deployment, name: string, now: number) {
  const { conditions } = deployment.status ?? {}
  if (progressDeadlineMs(deployment) === undefined || findCondition(conditions, 'Progressing')) return conditions
  return progressing(conditions, 'True', 'FoundNewReplicaSet', `Found new replica set "${name}"`, now)
}
