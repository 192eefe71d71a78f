import type { JsonObject } from '../../../core/json.ts'
import type { KubeObject } from '../../../infra/kubernetes/index.ts'
import { objectsIn, within } from '../gate/json.ts'
import { type Amounts, amountsOf, demandOf, total } from './demand.ts'

export type Node = KubeObject & { readonly spec?: JsonObject; readonly status?: JsonObject }
export type PlacedPod = KubeObject & { readonly spec?: JsonObject; readonly status?: { readonly phase?: string } }

/** How many more pods a node takes. */
export type NodeRoom = { readonly node: string; readonly pods: number }

/**
 * How many more pods of a template each node takes: what it can give, less what its pods ask for. Only nodes that the
 * template's selector names and whose taints it tolerates; affinity is not looked into. Pure.
 */
export function nodeRooms(
  nodes: readonly Node[],
  pods: readonly PlacedPod[],
  template: JsonObject,
): readonly NodeRoom[] {
  const byNode = Map.groupBy(pods.filter(isRunning), ({ spec }) => String(spec?.nodeName ?? ''))
  const { requests } = demandOf(template)
  return nodes
    .filter((node) => accepts(node, template))
    .map((node) => {
      const placed = byNode.get(node.metadata.name) ?? []
      const used = total(placed.map(({ spec = {} }) => demandOf(spec).requests))
      const can = amountsOf(within(node.status, 'allocatable'))
      return { node: node.metadata.name, pods: roomOn(can, used, placed.length, requests) }
    })
}

function roomOn(can: Amounts, used: Amounts, placed: number, requests: Amounts): number {
  const byCount = (can.pods ?? 110) - placed
  const byResource = Object.entries(requests).flatMap(([name, wanted]) =>
    wanted > 0 ? [Math.floor(((can[name] ?? 0) - (used[name] ?? 0)) / wanted + 1e-9)] : [],
  )
  return Math.max(0, Math.min(byCount, ...byResource))
}

const isRunning = ({ status }: PlacedPod): boolean => status?.phase !== 'Succeeded' && status?.phase !== 'Failed'

function accepts({ metadata, spec = {}, status }: Node, template: JsonObject): boolean {
  const ready = objectsIn(status?.conditions).some((each) => each.type === 'Ready' && each.status === 'True')
  const selected = Object.entries(within(template, 'nodeSelector')).every(
    ([key, value]) => metadata.labels?.[key] === value,
  )
  const taints = objectsIn(spec.taints).filter(({ effect }) => effect !== 'PreferNoSchedule')
  return ready && selected && spec.unschedulable !== true && taints.every((taint) => isTolerated(taint, template))
}

function isTolerated(taint: JsonObject, template: JsonObject): boolean {
  return objectsIn(template.tolerations).some(
    ({ key, operator, value, effect }) =>
      (effect === undefined || effect === '' || effect === taint.effect) &&
      (operator === 'Exists'
        ? key === undefined || key === '' || key === taint.key
        : key === taint.key && (value ?? '') === (taint.value ?? '')),
  )
}
