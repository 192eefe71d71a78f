import { types } from '../../resources/table.ts'
import { jsonEqual } from '../../store/equal.ts'
import type { KubeInput, KubeObject } from '../../store/types.ts'
import { claim } from '../claim.ts'
import { type Decision, event, type Write } from '../decision.ts'
import type { ControllerRevision, Pod, StatefulSet } from '../model.ts'
import { isAvailable, isDeleting, isFinished, nextAvailableInMs } from '../pod-state.ts'
import type { Admission } from '../policy/quota.ts'
import { type NamedRevision, prunedRevisions, type Revisions, revisionNamed, revisionsOf } from '../revisions.ts'
import { claimsAt, droppedClaims, ordinalOf, podAt, replicasOf, revisionOf, startOf } from './identity.ts'
import { isOnDelete, isRunningAndReady, statusOf } from './status.ts'

const RETRY_DENIED_MS = 10_000

export type StatefulSetSnapshot = {
  readonly set: StatefulSet
  readonly owned: readonly Pod[]
  readonly orphans: readonly Pod[]
  readonly revisions: readonly ControllerRevision[]
  /** The PersistentVolumeClaims of the namespace, by name. */
  readonly claims: readonly KubeObject[]
  readonly admit: (pod: KubeInput) => Admission
  readonly now: number
}

/** The members of a set by ordinal, lowest first: a pod, or the place where one is missing. */
type Member = { readonly ordinal: number; readonly pod: Pod | undefined }
type Pass = StatefulSetSnapshot & {
  readonly members: readonly Member[]
  /** Pods with ordinals that are no longer asked for, highest first. */
  readonly condemned: readonly Member[]
  readonly history: Revisions
  readonly current: NamedRevision
  readonly inOrder: boolean
}
/** Writes of one part of a pass; `stop` keeps the later parts from running. */
type Part = { readonly writes: readonly Write[]; readonly stop: boolean; readonly denied?: boolean }

/**
 * What a StatefulSet does next: missing pods in the order of their ordinals, then surplus ones from the top, then
 * pods of another revision from the top down to the partition, one at a time.
 *
 * With OrderedReady each part waits until all pods below are Running and available. So a broken pod of an abandoned
 * revision stays: the rollout that would replace it is never reached (a known behaviour of Kubernetes).
 */
export function decideStatefulSet(snapshot: StatefulSetSnapshot): Decision {
  const { set, now } = snapshot
  const { mine, writes } = claim(set, types.pods, set.spec.selector, snapshot.owned, snapshot.orphans)
  const history = revisionsOf(set, snapshot.revisions)
  const current = revisionNamed(history, set.status?.currentRevision)
  const pass = {
    ...snapshot,
    ...arranged(set, mine),
    history,
    current,
    inOrder: set.spec.podManagementPolicy !== 'Parallel',
  }
  const acted = set.metadata.deletionTimestamp === undefined ? act(pass) : []
  const status = statusOf(set, mine, { current: current.name, update: history.update.name }, now)
  const used = new Set([current.name, ...mine.map((pod) => revisionOf(pod) ?? '')])
  const known = jsonEqual(status, set.status)
  return {
    writes: [
      ...writes,
      ...history.writes,
      ...acted.flatMap((part) => part.writes),
      ...(known ? [] : [{ kind: 'status', type: types.statefulsets, object: { ...set, status } } as const]),
      ...prunedRevisions(set, history, used),
    ],
    requeueAfterMs: acted.some(({ denied }) => denied)
      ? RETRY_DENIED_MS
      : nextAvailableInMs(mine, set.spec.minReadySeconds ?? 0, now),
  }
}

function arranged(set: StatefulSet, pods: readonly Pod[]): Pick<Pass, 'members' | 'condemned'> {
  const byOrdinal = new Map<number, Pod>()
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod)
    if (ordinal !== undefined) byOrdinal.set(ordinal, pod)
  }
  const [start, count] = [startOf(set), replicasOf(set)]
  const members = Array.from({ length: count }, (_, i) => ({ ordinal: start + i, pod: byOrdinal.get(start + i) }))
  const surplus = [...byOrdinal].filter(([ordinal]) => ordinal < start || ordinal >= start + count)
  const condemned = surplus.map(([ordinal, pod]) => ({ ordinal, pod })).sort((a, b) => b.ordinal - a.ordinal)
  return { members, condemned }
}

/** Runs the parts of a pass until one of them says stop. */
function act(pass: Pass): readonly Part[] {
  const parts: Part[] = []
  for (const part of partsOf(pass)) {
    parts.push(part)
    if (part.stop) break
  }
  return parts
}

function* partsOf(pass: Pass): Generator<Part> {
  for (const member of pass.members) {
    const part = replica(pass, member)
    yield { ...part, stop: part.stop && (pass.inOrder || part.denied === true) }
  }
  for (const member of pass.condemned) yield condemn(pass, member)
  yield roll(pass)
}

function replica(pass: Pass, { ordinal, pod }: Member): Part {
  if (pod === undefined) return create(pass, ordinal)
  if (isFinished(pod)) return { writes: isDeleting(pod) ? [] : [remove(pod)], stop: true }
  return { writes: missingClaims(pass, ordinal), stop: isDeleting(pod) || !isSettled(pass, pod) }
}

function create(pass: Pass, ordinal: number): Part {
  const { set, current, history } = pass
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0
  const old = !isOnDelete(set) && ordinal < startOf(set) + partition
  const input = podAt(set, ordinal, old ? current : history.update)
  const { allowed, why } = pass.admit(input)
  if (allowed > 0)
    return { writes: [...missingClaims(pass, ordinal), { kind: 'create', type: types.pods, input }], stop: true }
  const message = `Create Pod ${input.metadata.name} in StatefulSet ${set.metadata.name} failed error: ${why}`
  return { writes: [event(set, 'Warning', 'FailedCreate', message)], stop: true, denied: true }
}

function missingClaims({ set, claims }: Pass, ordinal: number): readonly Write[] {
  const known = new Set(claims.map(({ metadata }) => metadata.name))
  return claimsAt(set, ordinal)
    .filter(({ metadata }) => !known.has(metadata.name ?? ''))
    .map((input): Write => ({ kind: 'create', type: types.persistentvolumeclaims, input }))
}

/** A surplus pod goes when all others are settled, or when it is itself the first that is not. */
function condemn(pass: Pass, { ordinal, pod }: Member): Part {
  if (pod === undefined || isDeleting(pod)) return { writes: [], stop: pass.inOrder }
  const blocked = pass.inOrder && !isSettled(pass, pod) && firstUnsettled(pass) !== pod
  if (blocked) return { writes: [], stop: true }
  const { set } = pass
  const message = `Delete Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`
  const writes = [remove(pod), event(set, 'Normal', 'SuccessfulDelete', message)]
  return { writes: [...writes, ...droppedClaims(set, ordinal, pass.claims)], stop: pass.inOrder }
}

function firstUnsettled(pass: Pass): Pod | undefined {
  const rising = [...pass.members, ...pass.condemned.toReversed()]
  return rising.map(({ pod }) => pod).find((pod) => pod !== undefined && (isDeleting(pod) || !isSettled(pass, pod)))
}

function roll(pass: Pass): Part {
  const { set, members, history } = pass
  if (isOnDelete(set)) return { writes: [], stop: true }
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0
  for (const { pod } of members.slice(Math.min(members.length, partition)).toReversed()) {
    if (pod === undefined) break
    if (revisionOf(pod) !== history.update.name && !isDeleting(pod)) return { writes: [remove(pod)], stop: true }
    if (isDeleting(pod) || !isSettled(pass, pod)) break
  }
  return { writes: [], stop: true }
}

const isSettled = ({ set, now }: Pass, pod: Pod): boolean =>
  isRunningAndReady(pod) && isAvailable(pod, set.spec.minReadySeconds ?? 0, now)

const remove = (object: Pod): Write => ({ kind: 'delete', type: types.pods, object })
