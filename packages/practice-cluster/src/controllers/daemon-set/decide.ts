import { isTolerated, matchesNode } from '../../pods/schedule.ts'
import { types } from '../../resources/table.ts'
import { jsonEqual } from '../../store/equal.ts'
import { claim } from '../claim.ts'
import { type Decision, event, type Write } from '../decision.ts'
import type { ControllerRevision, DaemonSet, Node, Pod, PodTemplate } from '../model.ts'
import { isActive, isAvailable, isDeleting, isFinished, isReady, nextAvailableInMs } from '../pod-state.ts'
import { podFrom } from '../pod-template.ts'
import { resolve } from '../quantity.ts'
import { hashIn, prunedRevisions, revisionsOf } from '../revisions.ts'

const REVISION_LABEL = 'controller-revision-hash'
const GENERATION_LABEL = 'pod-template-generation'

export type DaemonSetSnapshot = {
  readonly set: DaemonSet
  readonly owned: readonly Pod[]
  readonly orphans: readonly Pod[]
  readonly nodes: readonly Node[]
  readonly revisions: readonly ControllerRevision[]
  readonly now: number
}

type Pass = DaemonSetSnapshot & {
  readonly hash: string
  readonly byNode: ReadonlyMap<string, readonly Pod[]>
  readonly wanted: readonly Node[]
}

/** One pod on each node that takes it; a rolling update replaces at most `maxUnavailable` at a time. */
export function decideDaemonSet(snapshot: DaemonSetSnapshot): Decision {
  const { set, now } = snapshot
  const { mine, writes } = claim(set, types.pods, set.spec.selector, snapshot.owned, snapshot.orphans)
  const history = revisionsOf(set, snapshot.revisions)
  const hash = hashIn(set, history.update.name)
  const wanted = snapshot.nodes.filter((node) => accepts(set, node))
  const pass: Pass = { ...snapshot, hash, byNode: groupByNode(mine), wanted }
  const status = statusOf(pass, mine)
  const used = new Set(mine.map((pod) => `${set.metadata.name}-${pod.metadata.labels?.[REVISION_LABEL]}`))
  const acts = set.metadata.deletionTimestamp === undefined ? [...placed(pass), ...rolled(pass)] : []
  return {
    writes: [
      ...writes,
      ...history.writes,
      ...acts,
      ...(jsonEqual(status, set.status)
        ? []
        : [{ kind: 'status', type: types.daemonsets, object: { ...set, status } } as const]),
      ...prunedRevisions(set, history, used),
    ],
    requeueAfterMs: nextAvailableInMs(mine, set.spec.minReadySeconds ?? 0, now),
  }
}

/** The node of a daemon's pod: the one it is on, or the one it is meant for. */
function nodeOf({ spec }: Pod): string {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const meant = terms.flatMap(({ matchFields = [] }) => matchFields).find(({ key }) => key === 'metadata.name')
  return spec.nodeName || (meant?.values?.[0] ?? '')
}

function groupByNode(pods: readonly Pod[]): ReadonlyMap<string, readonly Pod[]> {
  return Map.groupBy(pods, nodeOf)
}

function accepts(set: DaemonSet, node: Node): boolean {
  const pod = { spec: set.spec.template.spec } as Pod
  return (
    matchesNode(pod, node) &&
    (node.spec.taints ?? []).every((taint) => taint.effect === 'PreferNoSchedule' || isTolerated(pod, taint))
  )
}

/** Creates missing pods; removes ended ones, those on the wrong nodes, and all but the oldest of several. */
function placed(pass: Pass): readonly Write[] {
  const names = new Set(pass.wanted.map(({ metadata }) => metadata.name))
  const missing = pass.wanted.filter(({ metadata }) => (pass.byNode.get(metadata.name) ?? []).length === 0)
  const surplus = [...pass.byNode].flatMap(([node, pods]) => (names.has(node) ? extra(pods) : pods))
  return [
    ...surplus.filter((pod) => !isDeleting(pod)).flatMap((pod) => remove(pass.set, pod)),
    ...missing.map(({ metadata }): Write => ({ kind: 'create', type: types.pods, input: podOn(pass, metadata.name) })),
  ]
}

function extra(pods: readonly Pod[]): readonly Pod[] {
  const ended = pods.filter(isFinished)
  return [...ended, ...pods.filter(isActive).slice(1)]
}

function podOn({ set, hash }: Pass, node: string) {
  const term = { matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }
  const { template } = set.spec
  const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } }
  const tolerations = [
    ...(template.spec.tolerations ?? []),
    { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
  ]
  const spec = { ...template.spec, affinity: { ...template.spec.affinity, nodeAffinity }, tolerations }
  const pinned: PodTemplate = { ...template, spec }
  return podFrom(set, pinned, {
    labels: { [REVISION_LABEL]: hash, [GENERATION_LABEL]: String(set.metadata.generation ?? 1) },
  })
}

/** Removes pods of other revisions: at once those that are unavailable anyway, then as many as may be. */
function rolled(pass: Pass): readonly Write[] {
  const { set, byNode, wanted, hash, now } = pass
  if (set.spec.updateStrategy?.type === 'OnDelete') return []
  const present = wanted.map(({ metadata }) => (byNode.get(metadata.name) ?? []).find((pod) => !isFinished(pod)))
  const isUp = (pod: Pod | undefined) =>
    pod !== undefined && !isDeleting(pod) && isAvailable(pod, set.spec.minReadySeconds ?? 0, now)
  const old = present.filter(
    (pod) => pod !== undefined && !isDeleting(pod) && revisionOf(pod) !== hash,
  ) as readonly Pod[]
  const down = present.filter((pod) => !isUp(pod)).length
  const room = Math.max(0, maxUnavailable(set, wanted.length) - down)
  const victims = [...old.filter((pod) => !isUp(pod)), ...old.filter(isUp).slice(0, room)]
  return victims.flatMap((pod) => remove(set, pod))
}

function maxUnavailable(set: DaemonSet, nodes: number): number {
  return Math.max(1, resolve(set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, nodes, 'up'))
}

const revisionOf = (pod: Pod): string | undefined => pod.metadata.labels?.[REVISION_LABEL]

function remove(set: DaemonSet, object: Pod): readonly Write[] {
  return [
    { kind: 'delete', type: types.pods, object },
    event(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${object.metadata.name}`),
  ]
}

function statusOf({ set, wanted, byNode, hash, now }: Pass, mine: readonly Pod[]) {
  const names = new Set(wanted.map(({ metadata }) => metadata.name))
  const placedPods = wanted.flatMap(({ metadata }) =>
    (byNode.get(metadata.name) ?? []).filter((pod) => !isDeleting(pod)).slice(0, 1),
  )
  const available = placedPods.filter((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, now)).length
  return {
    currentNumberScheduled: placedPods.length,
    numberMisscheduled: mine.filter((pod) => !names.has(nodeOf(pod)) && isActive(pod)).length,
    desiredNumberScheduled: wanted.length,
    numberReady: placedPods.filter(isReady).length,
    observedGeneration: set.metadata.generation ?? 0,
    updatedNumberScheduled: placedPods.filter((pod) => revisionOf(pod) === hash).length,
    numberAvailable: available,
    numberUnavailable: wanted.length - available,
  }
}
