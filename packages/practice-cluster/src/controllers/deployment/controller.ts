import { types } from '../../resources/table.ts'
import type { Change } from '../../store/types.ts'
import { controllerOf, NOTHING } from '../decision.ts'
import type { Deployment } from '../model.ts'
import { isFinished } from '../pod-state.ts'
import { type Controller, itsController, itself, type Place, placeOf } from '../runtime/controller.ts'
import type { View } from '../runtime/view.ts'
import { selects } from '../selector.ts'
import { decideDeployment } from './decide.ts'

/** The Deployment controller: its ReplicaSets, one step a pass. */
export const deploymentController: Controller = {
  name: 'deployment-controller',

  concerns: (change, view) => [
    ...itself(change, types.deployments),
    ...(change.type === types.replicasets ? [...itsController(change, 'Deployment'), ...adopters(change, view)] : []),
  ],

  decide({ namespace, name }, view) {
    const deployment = view.store.get(types.deployments, namespace, name) as Deployment | undefined
    if (deployment === undefined) return NOTHING
    return decideDeployment({
      deployment,
      owned: view.replicaSetsOf(deployment.metadata.uid),
      orphans: view.orphanReplicaSets(namespace),
      hasPods: (set) => view.podsOf(set.metadata.uid).some((pod) => !isFinished(pod)),
      now: view.now(),
    })
  },
}

/** The Deployments that select a ReplicaSet without a controller. */
function adopters({ object }: Change, { store }: View): readonly Place[] {
  if (controllerOf(object) !== undefined) return []
  const all = store.list(types.deployments, object.metadata.namespace) as readonly Deployment[]
  return all.filter(({ spec }) => selects(spec.selector, object.metadata.labels)).map(placeOf)
}
