import { types } from '../../resources/table.ts'
import type { Change, KubeObject } from '../../store/types.ts'
import { controllerOf, NOTHING } from '../decision.ts'
import type { ControllerRevision, StatefulSet } from '../model.ts'
import { admissionFor } from '../policy/quota.ts'
import { type Controller, itsController, itself, type Place, placeOf } from '../runtime/controller.ts'
import type { View } from '../runtime/view.ts'
import { selects } from '../selector.ts'
import { decideStatefulSet } from './decide.ts'

/** The StatefulSet controller: pods with an identity, in order. */
export const statefulSetController: Controller = {
  name: 'statefulset-controller',

  concerns: (change, view) => [
    ...itself(change, types.statefulsets),
    ...(change.type === types.pods ? [...itsController(change, 'StatefulSet'), ...adopters(change, view)] : []),
    ...(change.type === types.persistentvolumeclaims && change.verb === 'DELETED' ? claimants(change, view) : []),
  ],

  decide({ namespace, name }, view) {
    const set = view.store.get(types.statefulsets, namespace, name) as StatefulSet | undefined
    if (set === undefined) return NOTHING
    return decideStatefulSet({
      set,
      owned: view.podsOf(set.metadata.uid),
      orphans: view.orphanPods(namespace),
      revisions: revisionsIn(view, set),
      claims:
        set.spec.volumeClaimTemplates === undefined ? [] : view.store.list(types.persistentvolumeclaims, namespace),
      admit: (pod) => admissionFor(view.store, pod),
      now: view.now(),
    })
  },
}

/** The ControllerRevisions that a workload owns. */
export function revisionsIn({ store }: View, { metadata }: KubeObject): readonly ControllerRevision[] {
  const found = store.dependents(metadata.uid).filter(({ type }) => type === types.controllerrevisions)
  return found.map(({ object }) => object as ControllerRevision)
}

function adopters({ object }: Change, { store }: View): readonly Place[] {
  if (controllerOf(object) !== undefined) return []
  const all = store.list(types.statefulsets, object.metadata.namespace) as readonly StatefulSet[]
  return all.filter(({ spec }) => selects(spec.selector, object.metadata.labels)).map(placeOf)
}

/** The sets whose claim has been removed, and which make it again. */
function claimants({ object }: Change, { store }: View): readonly Place[] {
  const all = store.list(types.statefulsets, object.metadata.namespace) as readonly StatefulSet[]
  return all.filter(({ spec }) => selects(spec.selector, object.metadata.labels)).map(placeOf)
}
