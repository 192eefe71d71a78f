import type { KubeObject } from '../../../infra/kubernetes/index.ts'
import type { Member, NamedPlace } from '../../core/model.ts'
import { numberOr, within } from '../gate/json.ts'
import type { Workload } from '../gate/model.ts'
import { replicasOf } from './fields.ts'

const startOf = ({ spec }: Workload): number => numberOr(within(spec, 'ordinals').start, 0)

/** The ordinal in the name of a pod. Pure. */
export const ordinalIn = (name: string): string => name.slice(name.lastIndexOf('-') + 1)

/** The how manieth pod of the set it is: a partition counts from the first ordinal, wherever that starts. Pure. */
export const indexOf = (live: Workload, name: string): number => Number(ordinalIn(name)) - startOf(live)

/**
 * The index from which on all pods of a set carry the hash of a revision; null where the last one does not, or there is none. A
 * partition there moves nobody, and what is missing behind it comes back in that revision. Pure.
 */
export function movedFrom(live: Workload, pods: readonly KubeObject[], hash: string): number | null {
  const carries = ({ metadata }: KubeObject): boolean => metadata.labels?.['controller-revision-hash'] === hash
  const falling = pods
    .map((pod) => ({ index: indexOf(live, pod.metadata.name), moved: carries(pod) }))
    .filter(({ index }) => index < replicasOf(live))
    .toSorted((a, b) => b.index - a.index)
  const left = falling.findIndex(({ moved }) => !moved)
  return (left === -1 ? falling : falling.slice(0, left)).at(-1)?.index ?? null
}

/** Whoever scales a set beyond that has mistyped: its ordinals are not named, so that they do not fill the memory. */
const mostNamed = 10_000

/**
 * The ordinals that are wanted, whether or not there are pods; null for more than any cluster runs. Unless pods are managed
 * in parallel, the controller makes none before all below it are ready. Pure.
 */
export function placesOf(live: Workload, members: readonly Member[]): readonly NamedPlace[] | null {
  if (replicasOf(live) > mostNamed) return null
  const { name } = live.metadata
  const start = startOf(live)
  const ready = new Set(members.flatMap((one) => (one.ready && !one.terminating ? one.key : [])))
  const keys = Array.from({ length: replicasOf(live) }, (_, index) => String(start + index))
  const inTurn = live.spec?.podManagementPolicy !== 'Parallel'
  const first = inTurn ? keys.findIndex((key) => !ready.has(key)) : -1
  const isAfter = (at: number): boolean => first !== -1 && at > first
  return keys.map((key, at) => ({ key, name: `${name}-${key}`, after: isAfter(at) ? `${name}-${keys[first]}` : null }))
}
