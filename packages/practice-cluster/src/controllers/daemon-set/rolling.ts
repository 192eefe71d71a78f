import type { DaemonSet, Node, Pod } from '../model.ts'
import { isAvailable, isDeleting } from '../pod-state.ts'
import { resolve } from '../quantity.ts'
import { revisionOf } from './placement.ts'

/** What a rolling update looks at. */
export type Fleet = {
  readonly set: DaemonSet
  readonly wanted: readonly Node[]
  readonly byNode: ReadonlyMap<string, readonly Pod[]>
  readonly hash: string
  readonly now: number
}

/** What it does: pods that go, and nodes that get a second pod beside their old one. */
export type Roll = { readonly remove: readonly Pod[]; readonly surge: readonly string[] }

/** The pods of a node by version, without those that are going; `crowded` when there are two of one version. */
type Place = {
  readonly node: string
  readonly old: Pod | undefined
  readonly fresh: Pod | undefined
  readonly crowded: boolean
}

const STILL: Roll = { remove: [], surge: [] }

/** The next step of a rolling update, within `maxSurge` if that is set and otherwise within `maxUnavailable`. */
export function roll(fleet: Fleet): Roll {
  if (fleet.set.spec.updateStrategy?.type === 'OnDelete') return STILL
  const places = fleet.wanted.map(({ metadata }) => placeOf(fleet, metadata.name))
  const surge = limit(fleet, 'maxSurge')
  return surge > 0 ? surged(fleet, places, surge) : replaced(fleet, places)
}

/** Whether a second pod may stand on a node during an update. */
export function allowsSurge(set: DaemonSet, nodes: number): boolean {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {}
  return type !== 'OnDelete' && resolve(rollingUpdate?.maxSurge ?? 0, nodes, 'up') > 0
}

function placeOf({ byNode, hash }: Fleet, node: string): Place {
  const staying = (byNode.get(node) ?? []).filter((pod) => !isDeleting(pod))
  const fresh = staying.filter((pod) => revisionOf(pod) === hash)
  const old = staying.filter((pod) => revisionOf(pod) !== hash)
  return { node, old: old[0], fresh: fresh[0], crowded: fresh.length > 1 || old.length > 1 }
}

function limit({ set, wanted }: Fleet, name: 'maxSurge' | 'maxUnavailable'): number {
  const { rollingUpdate } = set.spec.updateStrategy ?? {}
  return resolve(rollingUpdate?.[name] ?? (name === 'maxSurge' ? 0 : 1), wanted.length, 'up')
}

const isUp = ({ set, now }: Fleet, pod: Pod | undefined): boolean =>
  pod !== undefined && isAvailable(pod, set.spec.minReadySeconds ?? 0, now)

/** Old pods that are down anyway go at once, then as many as may be unavailable. */
function replaced(fleet: Fleet, places: readonly Place[]): Roll {
  const candidates = places.filter(({ old, fresh, crowded }) => old !== undefined && fresh === undefined && !crowded)
  const up = candidates.filter(({ old }) => isUp(fleet, old))
  const settled = places.filter((each) => !each.crowded && each.old === undefined && isUp(fleet, each.fresh))
  const room = Math.max(1, limit(fleet, 'maxUnavailable')) - (places.length - up.length - settled.length)
  const chosen = [...candidates.filter((each) => !up.includes(each)), ...up.slice(0, Math.max(0, room))]
  return { remove: chosen.flatMap(({ old }) => (old === undefined ? [] : [old])), surge: [] }
}

/** Old pods go once the new one beside them is available; nodes whose old pod is down get a new one at once. */
function surged(fleet: Fleet, places: readonly Place[], surge: number): Roll {
  const both = places.filter(({ old, fresh, crowded }) => old !== undefined && fresh !== undefined && !crowded)
  const done = both.filter(({ fresh }) => isUp(fleet, fresh))
  const waiting = places.filter(({ old, fresh, crowded }) => old !== undefined && fresh === undefined && !crowded)
  const down = waiting.filter(({ old }) => !isUp(fleet, old))
  const inFlight = both.length - done.length + places.filter(({ crowded }) => crowded).length
  const next = waiting.filter((each) => !down.includes(each)).slice(0, Math.max(0, surge - inFlight))
  return {
    remove: done.flatMap(({ old }) => (old === undefined ? [] : [old])),
    surge: [...down, ...next].map(({ node }) => node),
  }
}
