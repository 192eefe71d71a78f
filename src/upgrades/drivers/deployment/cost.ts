import type { KubeObject } from '../../../infra/kubernetes/index.ts'
import type { PodRef } from '../../core/model.ts'

/** The annotation by which a ReplicaSet chooses whom to remove first: the lowest. */
export const costName = 'controller.kubernetes.io/pod-deletion-cost'
/** Lower than anybody else's, and known as ours by it. */
export const OUR_COST = '-2000000001'

export type CostChange = { readonly pod: string; readonly cost: string | null }

/** What is to be annotated so that exactly these pods go first; marks of an earlier choice are taken away. Pure. */
export function costChanges(pods: readonly KubeObject[], take: readonly PodRef[]): readonly CostChange[] {
  const chosen = new Set(take.map(({ uid }) => uid))
  return pods
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .flatMap(({ metadata }) => {
      const marked = metadata.annotations?.[costName] === OUR_COST
      const wanted = chosen.has(metadata.uid ?? '')
      return marked === wanted ? [] : [{ pod: metadata.name, cost: wanted ? OUR_COST : null }]
    })
}
