import type { Node, NodeSelectorTerm, Pod, Taint, Toleration } from '../controllers/model.ts'
import { podResources, type Usage } from '../controllers/policy/requests.ts'
import { quantity } from '../controllers/quantity.ts'
import { meets } from '../controllers/selector.ts'
import { isUnschedulable } from './faults.ts'

/** A node and what the pods on it ask for in all, `pods` being how many they are. */
export type LoadedNode = { readonly node: Node; readonly used: Usage }

/** Where a pod goes, or why nowhere. */
export type Placement = { readonly nodeName: string } | { readonly why: string }

/** Chooses the node with the fewest pods among those that the pod fits on, as kube-scheduler would filter them. */
export function place(pod: Pod, nodes: readonly LoadedNode[]): Placement {
  const judged = nodes.map((each) => ({ each, why: obstacle(pod, each) }))
  const fitting = judged.flatMap(({ each, why }) => (why === undefined ? [each] : []))
  const pods = ({ used }: LoadedNode) => used.pods ?? 0
  const best = fitting.reduce<LoadedNode | undefined>(
    (a, b) => (a === undefined || pods(b) < pods(a) ? b : a),
    undefined,
  )
  if (best !== undefined) return { nodeName: best.node.metadata.name }
  return { why: unschedulable(judged.map(({ why }) => why ?? '')) }
}

function unschedulable(reasons: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  const listed = [...counts].map(([reason, count]) => `${count} ${reason}`).sort()
  return `0/${reasons.length} nodes are available: ${listed.join(', ')}.`
}

/** What keeps a pod from a node, in the scheduler's words. */
function obstacle(pod: Pod, { node, used }: LoadedNode): string | undefined {
  if (isUnschedulable(pod)) return 'node(s) refused it (simulated fault)'
  if (node.spec.unschedulable === true && !toleratesCordon(pod)) return 'node(s) were unschedulable'
  const taint = (node.spec.taints ?? []).find((each) => each.effect !== 'PreferNoSchedule' && !isTolerated(pod, each))
  if (taint !== undefined) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`
  if (!matchesNode(pod, node)) return "node(s) didn't match Pod's node affinity/selector"
  return shortage(pod, node, used)
}

/** Whether a pod's node selector and required node affinity accept a node. */
export function matchesNode({ spec }: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {}
  const selected = Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return selected && (required === undefined || required.nodeSelectorTerms.some((term) => termMatches(term, node)))
}

function termMatches({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false
  const fields = { 'metadata.name': node.metadata.name }
  const labels = node.metadata.labels ?? {}
  return matchExpressions.every((each) => meets(each, labels)) && matchFields.every((each) => meets(each, fields))
}

const CORDON: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }
const toleratesCordon = (pod: Pod): boolean => isTolerated(pod, CORDON)

/** Whether a pod tolerates a taint. */
export function isTolerated({ spec }: Pod, taint: Taint): boolean {
  return (spec.tolerations ?? []).some((each) => tolerates(each, taint))
}

function tolerates({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect !== undefined && effect !== '' && effect !== taint.effect) return false
  if (operator === 'Exists') return key === undefined || key === '' || key === taint.key
  return key === taint.key && value === (taint.value ?? '')
}

function shortage(pod: Pod, node: Node, used: Usage): string | undefined {
  const allocatable = node.status?.allocatable ?? {}
  if ((used.pods ?? 0) + 1 > quantity(allocatable.pods ?? '110')) return 'Too many pods'
  const { requests } = podResources(pod.spec)
  const short = Object.entries(requests).find(
    ([name, asked]) => asked > 0 && (used[name] ?? 0) + asked > quantity(allocatable[name]),
  )
  return short === undefined ? undefined : `Insufficient ${short[0]}`
}
