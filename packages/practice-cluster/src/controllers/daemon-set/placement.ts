import { isTolerated, matchesNode } from '../../pods/schedule.ts'
import type { KubeInput } from '../../store/types.ts'
import type { DaemonSet, Node, Pod, PodSpec, PodTemplate, Toleration } from '../model.ts'
import { podFrom } from '../pod-template.ts'

export const REVISION_LABEL = 'controller-revision-hash'
const GENERATION_LABEL = 'pod-template-generation'

/** What a node is to a DaemonSet: it gets a pod, it may keep the one it has, or it has to lose it. */
export type Suitability = 'wanted' | 'kept' | 'unsuitable'

const tolerated = (name: string, effect: string): Toleration => ({
  key: `node.kubernetes.io/${name}`,
  operator: 'Exists',
  effect,
})

/** What daemons put up with on a node, whatever their template says. */
const TOLERATED: readonly Toleration[] = [
  tolerated('not-ready', 'NoExecute'),
  tolerated('unreachable', 'NoExecute'),
  tolerated('disk-pressure', 'NoSchedule'),
  tolerated('memory-pressure', 'NoSchedule'),
  tolerated('pid-pressure', 'NoSchedule'),
  tolerated('unschedulable', 'NoSchedule'),
]

/** Judges a node by name, node selector, node affinity and taints; an untolerated NoSchedule keeps what runs there. */
export function suitabilityOf(set: DaemonSet, node: Node): Suitability {
  const { spec } = set.spec.template
  const pod = { spec: { ...spec, tolerations: tolerationsOf(spec) } } as Pod
  const { nodeName = '' } = spec
  if ((nodeName !== '' && nodeName !== node.metadata.name) || !matchesNode(pod, node)) return 'unsuitable'
  const against = (node.spec.taints ?? []).filter((taint) => !isTolerated(pod, taint)).map(({ effect }) => effect)
  if (against.includes('NoExecute')) return 'unsuitable'
  return against.includes('NoSchedule') ? 'kept' : 'wanted'
}

/** The node of a daemon's pod: the one it is on, or the one it is meant for. */
export function nodeOf({ spec }: Pod): string {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const meant = terms.flatMap(({ matchFields = [] }) => matchFields).find(({ key }) => key === 'metadata.name')
  return spec.nodeName || (meant?.values?.[0] ?? '')
}

/** The pod that a DaemonSet makes for a node. */
export function daemonPod(set: DaemonSet, hash: string, node: string): KubeInput {
  const term = { matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }
  const { template } = set.spec
  const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } }
  const affinity = { ...template.spec.affinity, nodeAffinity }
  const pinned: PodTemplate = {
    ...template,
    spec: { ...template.spec, affinity, tolerations: tolerationsOf(template.spec) },
  }
  return podFrom(set, pinned, {
    labels: { [REVISION_LABEL]: hash, [GENERATION_LABEL]: String(set.metadata.generation ?? 1) },
  })
}

export const revisionOf = (pod: Pod): string | undefined => pod.metadata.labels?.[REVISION_LABEL]

function tolerationsOf({ tolerations = [], hostNetwork }: PodSpec): readonly Toleration[] {
  const network = hostNetwork === true ? [tolerated('network-unavailable', 'NoSchedule')] : []
  return [...tolerations, ...TOLERATED, ...network]
}
