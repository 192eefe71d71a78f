import { findCondition, isTrue } from '../controllers/conditions.ts'
import { type Decision, NOTHING, type Write } from '../controllers/decision.ts'
import type { Node, Taint } from '../controllers/model.ts'
import { type Controller, itself } from '../controllers/runtime/controller.ts'
import { types } from '../resources/table.ts'
import { jsonEqual } from '../store/equal.ts'
import { reportedStatus } from './nodes.ts'

const NOT_READY: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }
const CORDONED: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

/**
 * What the kubelet and the node controllers do with a Node: one that nobody has reported on becomes Ready, and taints
 * follow its readiness and its cordon. A readiness that a client writes stays.
 */
export const nodeController: Controller = {
  name: 'node-lifecycle-controller',
  concerns: (change) => itself(change, types.nodes),
  decide({ name }, { store, now }) {
    const node = store.get(types.nodes, '', name) as Node | undefined
    if (node === undefined || node.metadata.deletionTimestamp !== undefined) return NOTHING
    return decideNode(node, store.list(types.nodes).length, now())
  },
}

/** The next step of a node; `index` gives it an address when it has none. */
export function decideNode(node: Node, index: number, now: number): Decision {
  const reported = findCondition(node.status?.conditions, 'Ready') !== undefined
  const status = reported ? node.status : reportedStatus(node, index, now)
  const taints = taintsOf({ ...node, status })
  const tainted = jsonEqual(taints, node.spec.taints ?? [])
  const object = { ...node, spec: { ...node.spec, taints } }
  const writes: readonly Write[] = [
    ...(tainted ? [] : [{ kind: 'update', type: types.nodes, object } as const]),
    ...(reported ? [] : [{ kind: 'status', type: types.nodes, object: { ...node, status } } as const]),
  ]
  return { writes }
}

function taintsOf({ spec, status }: Node): readonly Taint[] {
  const own = [NOT_READY, CORDONED]
  const others = (spec.taints ?? []).filter(
    (taint) => !own.some(({ key, effect }) => key === taint.key && effect === taint.effect),
  )
  return [
    ...others,
    ...(isTrue(status?.conditions, 'Ready') ? [] : [NOT_READY]),
    ...(spec.unschedulable === true ? [CORDONED] : []),
  ]
}
