import { types } from '../../resources/table.ts'
import { jsonEqual } from '../../store/equal.ts'
import type { KubeInput } from '../../store/types.ts'
import { claim } from '../claim.ts'
import { type Decision, event, type Write } from '../decision.ts'
import type { ControllerRevision, DaemonSet, Node, Pod } from '../model.ts'
import { isAvailable, isReady, nextAvailableInMs } from '../pod-state.ts'
import type { Admission } from '../policy/quota.ts'
import { hashIn, prunedRevisions, revisionsOf } from '../revisions.ts'
import { inOrder, upkeep } from './manage.ts'
import { daemonPod, nodeOf, revisionOf, suitabilityOf } from './placement.ts'
import { type Fleet, roll } from './rolling.ts'

const RETRY_DENIED_MS = 10_000

export type DaemonSetSnapshot = {
  readonly set: DaemonSet
  readonly owned: readonly Pod[]
  readonly orphans: readonly Pod[]
  readonly nodes: readonly Node[]
  readonly revisions: readonly ControllerRevision[]
  readonly admit: (pod: KubeInput, wanted: number) => Admission
  readonly now: number
}

/** What a pass does, and whether a quota kept it from doing more. */
type Acts = { readonly writes: readonly Write[]; readonly denied: boolean }

const NO_ACTS: Acts = { writes: [], denied: false }

/**
 * One pod on each node that takes it. What is missing or too much comes first; only then a rolling update goes on,
 * within `maxUnavailable` or `maxSurge`.
 */
export function decideDaemonSet(snapshot: DaemonSetSnapshot): Decision {
  const { set, now, nodes } = snapshot
  const { mine, writes } = claim(set, types.pods, set.spec.selector, snapshot.owned, snapshot.orphans)
  const history = revisionsOf(set, snapshot.revisions)
  const hash = hashIn(set, history.update.name)
  const wanted = nodes.filter((node) => suitabilityOf(set, node) === 'wanted')
  const fleet: Fleet = { set, hash, byNode: Map.groupBy(mine, nodeOf), wanted, now }
  const acts = set.metadata.deletionTimestamp === undefined ? act(snapshot, fleet) : NO_ACTS
  const status = statusOf(fleet)
  const used = new Set(mine.map((pod) => `${set.metadata.name}-${revisionOf(pod)}`))
  const known = jsonEqual(status, set.status)
  return {
    writes: [
      ...writes,
      ...history.writes,
      ...acts.writes,
      ...(known ? [] : [{ kind: 'status', type: types.daemonsets, object: { ...set, status } } as const]),
      ...prunedRevisions(set, history, used),
    ],
    requeueAfterMs: acts.denied ? RETRY_DENIED_MS : nextAvailableInMs(mine, set.spec.minReadySeconds ?? 0, now),
  }
}

function act(snapshot: DaemonSetSnapshot, fleet: Fleet): Acts {
  const { set } = fleet
  const kept = snapshot.nodes.filter((node) => suitabilityOf(set, node) === 'kept')
  const { missing, ended, surplus } = upkeep(fleet, new Set(kept.map(({ metadata }) => metadata.name)))
  const made = created(snapshot, fleet, missing)
  const writes = [...ended.flatMap((pod) => endOf(set, pod)), ...surplus.flatMap((pod) => removalOf(set, pod))]
  if (writes.length + made.writes.length > 0) return { ...made, writes: [...writes, ...made.writes] }
  const { remove, surge } = roll(fleet)
  const surged = created(snapshot, fleet, surge)
  return { ...surged, writes: [...remove.flatMap((pod) => removalOf(set, pod)), ...surged.writes] }
}

function created({ set, admit }: DaemonSetSnapshot, { hash }: Fleet, nodes: readonly string[]): Acts {
  const inputs = nodes.map((node) => daemonPod(set, hash, node))
  const [first] = inputs
  if (first === undefined) return NO_ACTS
  const { allowed, why } = admit(first, inputs.length)
  const writes = inputs.slice(0, allowed).map((input): Write => ({ kind: 'create', type: types.pods, input }))
  if (allowed >= inputs.length) return { writes, denied: false }
  return { writes: [...writes, event(set, 'Warning', 'FailedCreate', `Error creating: ${why}`)], denied: true }
}

function removalOf(set: DaemonSet, object: Pod): readonly Write[] {
  return [
    { kind: 'delete', type: types.pods, object },
    event(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${object.metadata.name}`),
  ]
}

function endOf(set: DaemonSet, pod: Pod): readonly Write[] {
  const { name, namespace } = pod.metadata
  const failed = pod.status?.phase === 'Failed'
  const reason = failed ? 'FailedDaemonPod' : 'SucceededDaemonPod'
  const what = failed ? 'failed' : 'succeeded'
  const message = `Found ${what} daemon pod ${namespace}/${name} on node ${nodeOf(pod)}, will try to delete it`
  return [event(set, failed ? 'Warning' : 'Normal', reason, message), ...removalOf(set, pod)]
}

/** Counts the oldest pod of each node, also one that is going. */
function statusOf({ set, wanted, byNode, hash, now }: Fleet) {
  const names = new Set(wanted.map(({ metadata }) => metadata.name))
  const placed = wanted.flatMap(({ metadata }) => inOrder(byNode.get(metadata.name) ?? []).slice(0, 1))
  const available = placed.filter((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, now)).length
  return {
    currentNumberScheduled: placed.length,
    numberMisscheduled: [...byNode.keys()].filter((node) => !names.has(node)).length,
    desiredNumberScheduled: wanted.length,
    numberReady: placed.filter(isReady).length,
    observedGeneration: set.metadata.generation ?? 0,
    updatedNumberScheduled: placed.filter((pod) => revisionOf(pod) === hash).length,
    numberAvailable: available,
    numberUnavailable: wanted.length - available,
  }
}
