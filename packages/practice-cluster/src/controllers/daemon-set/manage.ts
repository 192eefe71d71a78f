import type { Pod } from '../model.ts'
import { isAvailable, isDeleting, isFinished, isReady } from '../pod-state.ts'
import { revisionOf } from './placement.ts'
import { allowsSurge, type Fleet } from './rolling.ts'

/** What is missing and what is too much, before any update: nodes without a pod, ended pods, and doubles. */
export type Upkeep = {
  readonly missing: readonly string[]
  readonly ended: readonly Pod[]
  readonly surplus: readonly Pod[]
}

/** One pod a node; during an update with a surge an old and a new one. `kept` are nodes that only keep what they have. */
export function upkeep(fleet: Fleet, kept: ReadonlySet<string>): Upkeep {
  const wanted = new Set(fleet.wanted.map(({ metadata }) => metadata.name))
  const missing = [...wanted].filter((name) => (fleet.byNode.get(name) ?? []).length === 0)
  const staying = [...fleet.byNode].map(([node, pods]) => ({ node, pods: pods.filter((pod) => !isDeleting(pod)) }))
  const suited = staying.filter(({ node }) => wanted.has(node) || kept.has(node))
  const misplaced = staying.filter(({ node }) => !wanted.has(node) && !kept.has(node)).flatMap(({ pods }) => pods)
  return {
    missing,
    ended: suited.flatMap(({ pods }) => pods.filter(isFinished)),
    surplus: [
      ...misplaced,
      ...suited.flatMap(({ pods }) => doubles(fleet, inOrder(pods.filter((p) => !isFinished(p))))),
    ],
  }
}

function doubles(fleet: Fleet, running: readonly Pod[]): readonly Pod[] {
  if (running.length <= 1) return []
  if (!allowsSurge(fleet.set, fleet.wanted.length)) return running.slice(1)
  const [fresh, ...otherFresh] = running.filter((pod) => revisionOf(pod) === fleet.hash)
  const [old, ...otherOld] = running.filter((pod) => revisionOf(pod) !== fleet.hash)
  const over = old !== undefined && fresh !== undefined && isOver(fleet, old, fresh) ? [old] : []
  return [...otherFresh, ...otherOld, ...over]
}

/** Whether the old pod of a node is of no use any more beside the new one. */
function isOver({ set, now }: Fleet, old: Pod, fresh: Pod): boolean {
  return !isReady(old) || isAvailable(fresh, set.spec.minReadySeconds ?? 0, now)
}

/** The pods of one node: scheduled ones first, then the oldest. */
export function inOrder(pods: readonly Pod[]): readonly Pod[] {
  const rank = ({ spec, metadata }: Pod) => `${spec.nodeName ? 0 : 1} ${metadata.creationTimestamp} ${metadata.name}`
  return [...pods].sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
}
