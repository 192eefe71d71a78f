import { types } from '../../resources/table.ts'
import type { Change } from '../../store/types.ts'
import { isTrue } from '../conditions.ts'
import { controllerOf, NOTHING } from '../decision.ts'
import type { Pod, ReplicaSet } from '../model.ts'
import { isActive } from '../pod-state.ts'
import { podFrom } from '../pod-template.ts'
import { admissionFor } from '../policy/quota.ts'
import { type Controller, itsController, itself, type Place, placeOf } from '../runtime/controller.ts'
import type { View } from '../runtime/view.ts'
import { selects } from '../selector.ts'
import { decideReplicaSet } from './decide.ts'

/** The ReplicaSet controller: as many pods as asked for. */
export const replicaSetController: Controller = {
  name: 'replicaset-controller',

  concerns: (change, view) => [
    ...itself(change, types.replicasets),
    ...(change.type === types.pods ? [...itsController(change, 'ReplicaSet'), ...adopters(change, view)] : []),
    ...(change.type === types.resourcequotas ? denied(change, view) : []),
  ],

  decide({ namespace, name }, view) {
    const set = view.store.get(types.replicasets, namespace, name) as ReplicaSet | undefined
    if (set === undefined) return NOTHING
    return decideReplicaSet({
      set,
      owned: view.podsOf(set.metadata.uid),
      orphans: view.orphanPods(namespace),
      related: related(set, view),
      admit: (wanted) => admissionFor(view.store, podFrom(set, set.spec.template), wanted),
      now: view.now(),
    })
  },
}

function related(set: ReplicaSet, view: View): readonly Pod[] {
  const owner = controllerOf(set)
  const siblings = owner === undefined ? [set] : view.replicaSetsOf(owner.uid)
  return siblings.flatMap((each) => view.podsOf(each.metadata.uid)).filter(isActive)
}

function adopters({ object }: Change, { store }: View): readonly Place[] {
  if (controllerOf(object) !== undefined) return []
  const all = store.list(types.replicasets, object.metadata.namespace) as readonly ReplicaSet[]
  return all.filter(({ spec }) => selects(spec.selector, object.metadata.labels)).map(placeOf)
}

/** The ReplicaSets that a quota kept from creating pods, which another quota may allow. */
function denied({ object }: Change, { store }: View): readonly Place[] {
  const all = store.list(types.replicasets, object.metadata.namespace) as readonly ReplicaSet[]
  return all.filter(({ status }) => isTrue(status?.conditions, 'ReplicaFailure')).map(placeOf)
}
