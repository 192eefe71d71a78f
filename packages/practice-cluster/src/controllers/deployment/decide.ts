import { types } from '../../resources/table.ts'
import { claim } from '../claim.ts'
import type { Decision, Write } from '../decision.ts'
import type { Deployment, DeploymentStatus, ReplicaSet } from '../model.ts'
import { isEmptySelector } from '../selector.ts'
import { isRecreate, replicasOf } from './limits.ts'
import { finished, type Plan, resize, syncRevision, withConditions, withNewSet } from './plan.ts'
import { newReplicaSet, revisionOf, sizeOf, tellApart, total } from './replica-sets.ts'
import { nextSize, type Sizes, shrinkOld } from './rolling.ts'
import { spread, wasScaled } from './scaling.ts'
import { countedStatus, createdConditions, deadlineInMs, isComplete, pauseConditions, rolloutStatus } from './status.ts'

export type DeploymentSnapshot = {
  readonly deployment: Deployment
  readonly owned: readonly ReplicaSet[]
  readonly orphans: readonly ReplicaSet[]
  /** Whether a pod of this ReplicaSet has not ended yet; a Recreate waits for all of the old ones. */
  readonly hasPods: (set: ReplicaSet) => boolean
  readonly now: number
}

/**
 * What a Deployment does next, one step a pass:
 *
 *   paused or `replicas` changed → sizes only, no new ReplicaSet
 *   new template                 → a ReplicaSet for it
 *   RollingUpdate                → grow the new one within maxSurge, else shrink old ones within maxUnavailable
 *   Recreate                     → old ones to 0, wait for their pods, then the new one
 *   complete                     → old ReplicaSets beyond revisionHistoryLimit go
 */
export function decideDeployment(snapshot: DeploymentSnapshot): Decision {
  const { deployment, now } = snapshot
  if (isEmptySelector(deployment.spec.selector)) return { writes: [] }
  const { mine, writes } = claim(
    deployment,
    types.replicasets,
    deployment.spec.selector,
    snapshot.owned,
    snapshot.orphans,
  )
  const plan: Plan = { deployment, sets: tellApart(deployment, mine), writes }
  if (deployment.metadata.deletionTimestamp !== undefined) return ended(snapshot, plan, countedStatus)
  const synced = syncRevision(withConditions(plan, pauseConditions(deployment, now)), now)
  if (deployment.spec.paused === true) return cleaned(snapshot, resized(synced, spread), countedStatus)
  if (wasScaled(deployment, mine)) return ended(snapshot, resized(synced, spread), countedStatus)
  return isRecreate(deployment) ? recreate(snapshot, synced) : roll(snapshot, synced)
}

function roll(snapshot: DeploymentSnapshot, plan: Plan): Decision {
  const { deployment, sets } = plan
  if (sets.current === undefined) {
    return ended(snapshot, withTemplate(plan, nextSize(deployment, total(sets.old, sizeOf), 0), snapshot.now))
  }
  const all = total([...sets.old, sets.current], sizeOf)
  const size = nextSize(deployment, all, sizeOf(sets.current))
  if (size !== sizeOf(sets.current)) {
    return ended(snapshot, resize(plan, new Map([[sets.current.metadata.uid, size]])))
  }
  return cleaned(snapshot, resized(plan, shrinkOld))
}

function recreate(snapshot: DeploymentSnapshot, plan: Plan): Decision {
  const { deployment, sets } = plan
  const running = sets.old.filter((set) => sizeOf(set) > 0)
  if (running.length > 0) {
    return ended(snapshot, resize(plan, new Map(running.map((set) => [set.metadata.uid, 0]))))
  }
  if (sets.old.some(snapshot.hasPods)) return ended(snapshot, plan)
  if (sets.current === undefined) return ended(snapshot, withTemplate(plan, replicasOf(deployment), snapshot.now))
  return cleaned(snapshot, resize(plan, new Map([[sets.current.metadata.uid, replicasOf(deployment)]])))
}

function resized(plan: Plan, rule: (deployment: Deployment, sets: Plan['sets']) => Sizes): Plan {
  return resize(plan, rule(plan.deployment, plan.sets))
}

function withTemplate(plan: Plan, size: number, now: number): Plan {
  const revision = Math.max(0, ...plan.sets.old.map(revisionOf)) + 1
  const input = newReplicaSet(plan.deployment, size, revision)
  return withNewSet(plan, input, createdConditions(plan.deployment, input.metadata.name ?? '', now))
}

type StatusRule = (deployment: Deployment, sets: Plan['sets'], now: number) => DeploymentStatus

function ended({ deployment, now }: DeploymentSnapshot, plan: Plan, rule: StatusRule = rolloutStatus): Decision {
  const status = rule(withStoredProgress(deployment, plan.deployment), plan.sets, now)
  return {
    writes: finished(deployment, plan, status),
    requeueAfterMs: deadlineInMs(plan.deployment, status, now),
  }
}

/** Progress is judged against the stored counts and the conditions of this pass. */
function withStoredProgress(stored: Deployment, planned: Deployment): Deployment {
  const conditions = planned.status?.conditions
  return { ...planned, status: { ...stored.status, ...(conditions === undefined ? {} : { conditions }) } }
}

/** Ends a pass, and removes old ReplicaSets that history does not keep once nothing of them is left. */
function cleaned(snapshot: DeploymentSnapshot, plan: Plan, rule: StatusRule = rolloutStatus): Decision {
  const status = rule(plan.deployment, plan.sets, snapshot.now)
  const settled = plan.deployment.spec.paused === true || isComplete(plan.deployment, status)
  return ended(snapshot, settled ? { ...plan, writes: [...plan.writes, ...pruned(plan)] } : plan, rule)
}

function pruned({ deployment, sets }: Plan): readonly Write[] {
  const surplus = sets.old.length - (deployment.spec.revisionHistoryLimit ?? 10)
  const byRevision = [...sets.old].sort((a, b) => revisionOf(a) - revisionOf(b))
  return byRevision
    .slice(0, Math.max(0, surplus))
    .filter(isEmpty)
    .map((object): Write => ({ kind: 'delete', type: types.replicasets, object }))
}

function isEmpty(set: ReplicaSet): boolean {
  const observed = (set.status?.observedGeneration ?? 0) >= (set.metadata.generation ?? 0)
  return sizeOf(set) === 0 && (set.status?.replicas ?? 0) === 0 && observed && !set.metadata.deletionTimestamp
}
