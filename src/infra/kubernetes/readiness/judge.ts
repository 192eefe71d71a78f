import { refusalIn } from '../refused-pods.ts'
import type { KubeObject } from '../types.ts'
import {
  broken,
  conditionOf,
  firstReason,
  isBehind,
  type Judgement,
  NOT_OBSERVED,
  settled,
  waiting,
} from './judgement.ts'
import { judgeStatefulSet } from './statefulset.ts'
import type { DaemonSet, Deployment, Job, Pod, ReplicaSet, Service, VolumeClaim } from './workload-types.ts'

/**
 * Like `kubectl rollout status`: all updated, none of the old ones left, all available. A progress deadline that is
 * exceeded is only a reason: the rollout goes on all the same, and may still finish before our own deadline.
 */
export function judgeDeployment(deployment: Deployment): Judgement {
  const { spec = {}, status = {} } = deployment
  const total = spec.replicas ?? 1
  const { replicas = 0, updatedReplicas = 0, readyReplicas = 0, availableReplicas = 0 } = status
  const ready = Math.min(readyReplicas, total)
  if (isBehind(deployment, status.observedGeneration)) return waiting(NOT_OBSERVED, ready, total)
  const progressing = conditionOf(status.conditions, 'Progressing')
  const finished = updatedReplicas >= total && replicas <= updatedReplicas && availableReplicas >= updatedReplicas
  const refused = !finished && noMorePods(status.conditions, updatedReplicas, total)
  if (
    !finished &&
    refused === false &&
    progressing?.status === 'False' &&
    progressing.reason === 'ProgressDeadlineExceeded'
  ) {
    return waiting(progressing.message ?? 'its progress deadline is exceeded', ready, total)
  }
  return firstReason(ready, total, [
    spec.paused === true && 'it is paused',
    refused,
    updatedReplicas < total && `${updatedReplicas} of ${total} are updated`,
    replicas > updatedReplicas && `${replicas - updatedReplicas} of the previous version are still there`,
    readyReplicas < total && `${readyReplicas} of ${total} are ready`,
    availableReplicas < updatedReplicas && `${availableReplicas} of ${total} are available`,
  ])
}

/** What the API server said when a pod was refused: a quota, admission. False where none is. */
function noMorePods(conditions: Conditions, made: number, total: number): string | false {
  const refusal = refusalIn(conditions ?? [])
  return refusal !== null && `${made} of ${total} are there, no other pod can be made: ${refusal}`
}

type Conditions = Parameters<typeof conditionOf>[0]

/** A bare ReplicaSet, or a ReplicationController. */
export function judgeReplicaSet(set: ReplicaSet): Judgement {
  const total = set.spec?.replicas ?? 1
  const { readyReplicas = 0, replicas = 0, observedGeneration } = set.status ?? {}
  return firstReason(Math.min(readyReplicas, total), total, [
    isBehind(set, observedGeneration) && NOT_OBSERVED,
    replicas < total && noMorePods(set.status?.conditions, replicas, total),
    readyReplicas < total && `${readyReplicas} of ${total} are ready`,
    replicas > total && `${replicas - total} are to go`,
  ])
}

/** With `OnDelete` the version is the operator's affair: then only readiness counts. */
export function judgeDaemonSet(set: DaemonSet): Judgement {
  const { status = {} } = set
  const total = status.desiredNumberScheduled ?? 0
  const { updatedNumberScheduled = 0, numberReady = 0, numberAvailable = 0 } = status
  const rolling = set.spec?.updateStrategy?.type !== 'OnDelete'
  return firstReason(Math.min(numberReady, total), total, [
    isBehind(set, status.observedGeneration) && NOT_OBSERVED,
    rolling && updatedNumberScheduled < total && `${updatedNumberScheduled} of ${total} are updated`,
    numberReady < total && `${numberReady} of ${total} are ready`,
    numberAvailable < total && `${numberAvailable} of ${total} are available`,
  ])
}

/** Complete, or failed for good. A suspended Job will not end by itself, but somebody may resume it. */
export function judgeJob({ spec = {}, status = {} }: Job): Judgement {
  const failed = conditionOf(status.conditions, 'Failed')
  if (failed?.status === 'True') return broken(failed.message ?? failed.reason ?? 'it failed')
  if (conditionOf(status.conditions, 'Complete')?.status === 'True') return settled()
  if (spec.suspend === true) return waiting('it is suspended')
  return waiting(`${status.succeeded ?? 0} of ${spec.completions ?? 1} are complete`)
}

export function judgePod({ status = {} }: Pod): Judgement {
  if (status.phase === 'Succeeded') return settled(1, 1)
  if (status.phase === 'Failed') return broken(status.message ?? status.reason ?? 'it failed', 0, 1)
  const ready = conditionOf(status.conditions, 'Ready')
  if (ready?.status === 'True') return settled(1, 1)
  return waiting(ready?.message ?? `it is ${status.phase ?? 'Pending'}`, 0, 1)
}

export function judgeVolumeClaim({ status }: VolumeClaim): Judgement {
  if (status?.phase === 'Bound') return settled()
  const reason = `it is ${status?.phase ?? 'Pending'}`
  return status?.phase === 'Lost' ? broken(reason) : waiting(reason)
}

/** Only a load balancer has something to wait for; an address from outside is enough. */
export function judgeService({ spec = {}, status }: Service): Judgement {
  if (spec.type !== 'LoadBalancer' || (spec.externalIPs?.length ?? 0) > 0) return settled()
  return (status?.loadBalancer?.ingress?.length ?? 0) > 0 ? settled() : waiting('its load balancer has no address')
}

type Judge = (object: KubeObject) => Judgement

/** The kinds that are waited for; every other one is settled once it is there. */
export const judges: ReadonlyMap<string, Judge> = new Map<string, Judge>([
  ['apps/v1 Deployment', judgeDeployment as Judge],
  ['apps/v1 StatefulSet', judgeStatefulSet as Judge],
  ['apps/v1 DaemonSet', judgeDaemonSet as Judge],
  ['apps/v1 ReplicaSet', judgeReplicaSet as Judge],
  ['v1 ReplicationController', judgeReplicaSet as Judge],
  ['v1 Pod', judgePod as Judge],
  ['v1 PersistentVolumeClaim', judgeVolumeClaim as Judge],
  ['v1 Service', judgeService as Judge],
  ['batch/v1 Job', judgeJob as Judge],
])
