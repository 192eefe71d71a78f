import { types } from '../../resources/table.ts'
import { NOTHING } from '../decision.ts'
import type { DaemonSet, Node } from '../model.ts'
import { admissionFor } from '../policy/quota.ts'
import { type Controller, itsController, itself, placeOf } from '../runtime/controller.ts'
import { revisionsIn } from '../stateful-set/controller.ts'
import { decideDaemonSet } from './decide.ts'

/** The DaemonSet controller: one pod a node. */
export const daemonSetController: Controller = {
  name: 'daemonset-controller',

  concerns: (change, { store }) => [
    ...itself(change, types.daemonsets),
    ...(change.type === types.pods ? itsController(change, 'DaemonSet') : []),
    ...(change.type === types.nodes ? store.list(types.daemonsets).map(placeOf) : []),
  ],

  decide({ namespace, name }, view) {
    const set = view.store.get(types.daemonsets, namespace, name) as DaemonSet | undefined
    if (set === undefined) return NOTHING
    return decideDaemonSet({
      set,
      owned: view.podsOf(set.metadata.uid),
      orphans: view.orphanPods(namespace),
      nodes: view.store.list(types.nodes) as readonly Node[],
      revisions: revisionsIn(view, set),
      admit: (pod, wanted) => admissionFor(view.store, pod, wanted),
      now: view.now(),
    })
  },
}
