import { types } from '../../resources/table.ts'
import { jsonEqual } from '../../store/equal.ts'
import { claim } from '../claim.ts'
import { withCondition, withoutCondition } from '../conditions.ts'
import { type Decision, event, NOTHING, type Write } from '../decision.ts'
import type { Pod, ReplicaSet } from '../model.ts'
import { isActive, isAvailable, isDeleting, isFinished, isReady, nextAvailableInMs } from '../pod-state.ts'
import { podFrom } from '../pod-template.ts'
import { selects } from '../selector.ts'
import { byDeletionOrder } from './ranking.ts'

/** How many pods one pass creates or deletes at most. */
const BURST = 500
const RETRY_DENIED_MS = 10_000

/** What admission says to new pods: how many may be created, and why no more. */
export type Admission = { readonly allowed: number; readonly why: string }

export type ReplicaSetSnapshot = {
  readonly set: ReplicaSet
  /** The pods that name it as their owner, and those without a controller. */
  readonly owned: readonly Pod[]
  readonly orphans: readonly Pod[]
  /** The active pods of all ReplicaSets of the same Deployment. */
  readonly related: readonly Pod[]
  readonly admit: (wanted: number) => Admission
  readonly now: number
}

/** Brings the number of pods to `spec.replicas`, adopts and releases by selector, and counts what is there. */
export function decideReplicaSet(snapshot: ReplicaSetSnapshot): Decision {
  const { set, owned, orphans, now } = snapshot
  if (set.metadata.deletionTimestamp !== undefined) return NOTHING
  const { mine, writes } = claim(set, types.pods, set.spec.selector, owned, orphans.filter(isActive))
  const managed = manage(snapshot, mine)
  return {
    writes: [...writes, ...managed.writes, ...statusWrite(snapshot, mine, managed.denied)],
    requeueAfterMs:
      managed.denied === undefined ? nextAvailableInMs(mine, set.spec.minReadySeconds ?? 0, now) : RETRY_DENIED_MS,
  }
}

type Managed = { readonly writes: readonly Write[]; readonly denied?: string }

function manage(snapshot: ReplicaSetSnapshot, mine: readonly Pod[]): Managed {
  const active = mine.filter(isActive)
  const missing = (snapshot.set.spec.replicas ?? 1) - active.length
  return missing > 0 ? create(snapshot, Math.min(missing, BURST)) : { writes: remove(snapshot, active, -missing) }
}

function create({ set, admit }: ReplicaSetSnapshot, wanted: number): Managed {
  const { allowed, why } = admit(wanted)
  const pods = Array.from({ length: Math.min(wanted, allowed) }, (): Write => {
    return { kind: 'create', type: types.pods, input: podFrom(set, set.spec.template) }
  })
  if (allowed >= wanted) return { writes: pods }
  return { writes: [...pods, event(set, 'Warning', 'FailedCreate', `Error creating: ${why}`)], denied: why }
}

function remove({ set, related }: ReplicaSetSnapshot, active: readonly Pod[], surplus: number): readonly Write[] {
  const victims = surplus === 0 ? [] : byDeletionOrder(active, related).slice(0, Math.min(surplus, BURST))
  return victims.flatMap((pod): Write[] => [
    { kind: 'delete', type: types.pods, object: pod },
    event(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`),
  ])
}

function statusWrite(snapshot: ReplicaSetSnapshot, mine: readonly Pod[], denied: string | undefined): readonly Write[] {
  const status = statusOf(snapshot, mine, denied)
  if (jsonEqual(snapshot.set.status, status)) return []
  return [{ kind: 'status', type: types.replicasets, object: { ...snapshot.set, status } }]
}

function statusOf({ set, now }: ReplicaSetSnapshot, mine: readonly Pod[], denied: string | undefined) {
  const active = mine.filter(isActive)
  const wantedLabels = { matchLabels: set.spec.template.metadata?.labels ?? {} }
  const conditions = conditionsOf(set, denied, now)
  return {
    replicas: active.length,
    fullyLabeledReplicas: active.filter((pod) => selects(wantedLabels, pod.metadata.labels)).length,
    readyReplicas: active.filter(isReady).length,
    availableReplicas: active.filter((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, now)).length,
    terminatingReplicas: mine.filter((pod) => isDeleting(pod) && !isFinished(pod)).length,
    observedGeneration: set.metadata.generation ?? 0,
    ...(conditions.length === 0 ? {} : { conditions }),
  }
}

function conditionsOf(set: ReplicaSet, denied: string | undefined, now: number) {
  if (denied === undefined) return withoutCondition(set.status?.conditions, 'ReplicaFailure')
  const failure = { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: denied } as const
  return withCondition(set.status?.conditions, failure, now)
}
