import { withCondition } from '../controllers/conditions.ts'
import { type Decision, event, NOTHING } from '../controllers/decision.ts'
import type { Node, Pod } from '../controllers/model.ts'
import { type Controller, itself, placeOf } from '../controllers/runtime/controller.ts'
import type { View } from '../controllers/runtime/view.ts'
import { types } from '../resources/table.ts'
import type { Change } from '../store/types.ts'
import { PodLedger } from './ledger.ts'
import { decidePod } from './lifecycle.ts'
import { place } from './schedule.ts'
import type { PodSettings } from './settings.ts'

/** Scheduler and kubelets of the simulated nodes: every pod from its creation to its end. */
export function podController(settings: PodSettings, now: () => number): Controller {
  const ledger = new PodLedger(now)
  return {
    name: 'simulated-kubelet',
    concerns: (change, view) => {
      if (change.type === types.nodes) return [...ledger.waiting(), ...stranded(change, view)].map(placeOf)
      if (change.type !== types.pods) return []
      const gone = change.verb === 'DELETED'
      ledger.observe(change.old as Pod | undefined, gone ? undefined : (change.object as Pod))
      return gone ? ledger.waiting().map(placeOf) : itself(change, types.pods)
    },
    decide: ({ namespace, name }, view) => {
      const pod = view.store.get(types.pods, namespace, name) as Pod | undefined
      if (pod === undefined) return NOTHING
      if (!pod.spec.nodeName) return decideSchedule(pod, view, ledger)
      if (view.store.get(types.nodes, '', pod.spec.nodeName) === undefined) return collected(pod)
      return decidePod({
        pod,
        now: view.now(),
        since: (container) => ledger.since(pod, container),
        addresses: () => ({ podIP: ledger.freeAddress(), hostIP: hostAddress(pod, view) }),
        settings,
      })
    },
  }
}

/** The pods of a node that has been removed. */
function stranded({ verb, object }: Change, { store }: View): readonly Pod[] {
  if (verb !== 'DELETED') return []
  return (store.list(types.pods) as readonly Pod[]).filter(({ spec }) => spec.nodeName === object.metadata.name)
}

/** A pod whose node is gone goes without a grace period: nothing is left there that could stop. */
const collected = (object: Pod): Decision => ({
  writes: [{ kind: 'delete', type: types.pods, object, graceSeconds: 0 }],
})

function decideSchedule(pod: Pod, { store, now }: View, ledger: PodLedger): Decision {
  const nodes = store.list(types.nodes) as readonly Node[]
  const placement = place(
    pod,
    nodes.map((node) => ({ node, used: ledger.used(node.metadata.name) })),
  )
  if ('nodeName' in placement) {
    const { nodeName } = placement
    const message = `Successfully assigned ${pod.metadata.namespace}/${pod.metadata.name} to ${nodeName}`
    const object = { ...pod, spec: { ...pod.spec, nodeName } }
    return { writes: [{ kind: 'update', type: types.pods, object }, event(pod, 'Normal', 'Scheduled', message)] }
  }
  return unscheduled(pod, placement.why, now())
}

function unscheduled(pod: Pod, message: string, now: number): Decision {
  const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message } as const
  if (pod.status?.conditions?.some((each) => each.reason === 'Unschedulable' && each.message === message))
    return NOTHING
  const status = { ...pod.status, phase: 'Pending', conditions: withCondition(pod.status?.conditions, condition, now) }
  return {
    writes: [
      { kind: 'status', type: types.pods, object: { ...pod, status } },
      event(pod, 'Warning', 'FailedScheduling', message),
    ],
  }
}

function hostAddress(pod: Pod, { store }: View): string {
  const node = store.get(types.nodes, '', pod.spec.nodeName ?? '') as Node | undefined
  return node?.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? ''
}
