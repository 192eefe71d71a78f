import { types } from '../../resources/table.ts'
import { jsonEqual } from '../../store/equal.ts'
import type { Change, KubeObject } from '../../store/types.ts'
import { controllerOf, NOTHING } from '../decision.ts'
import type { DisruptionBudget, Pod, ResourceQuota } from '../model.ts'
import { formatQuantity } from '../quantity.ts'
import { type Controller, itself, type Place, placeOf } from '../runtime/controller.ts'
import type { View } from '../runtime/view.ts'
import { selects } from '../selector.ts'
import { decideBudget } from './budget.ts'
import { countedObjects, usedOf } from './quota.ts'

/** The status of PodDisruptionBudgets. */
export const budgetController: Controller = {
  name: 'disruption-controller',

  concerns: (change, view) => [
    ...itself(change, types.poddisruptionbudgets),
    ...(change.type === types.pods ? budgetsOver(change, view) : []),
    ...(change.type.scale && change.verb === 'MODIFIED' ? budgetsIn(change, view) : []),
  ],

  decide({ namespace, name }, { store, now }) {
    const budget = store.get(types.poddisruptionbudgets, namespace, name) as DisruptionBudget | undefined
    if (budget === undefined) return NOTHING
    const all = store.list(types.pods, namespace) as readonly Pod[]
    const pods = all.filter(({ metadata }) => selects(budget.spec.selector, metadata.labels))
    return decideBudget({ budget, pods, scale: scaleOf(pods, namespace, store), now: now() })
  },
}

function budgetsOver({ object, old }: Change, view: View): readonly Place[] {
  const versions = old === undefined ? [object] : [object, old]
  return budgets(view, object)
    .filter(({ spec }) => versions.some(({ metadata }) => selects(spec.selector, metadata.labels)))
    .map(placeOf)
}

const budgetsIn = ({ object }: Change, view: View): readonly Place[] => budgets(view, object).map(placeOf)

function budgets({ store }: View, { metadata }: KubeObject): readonly DisruptionBudget[] {
  return store.list(types.poddisruptionbudgets, metadata.namespace) as readonly DisruptionBudget[]
}

/** The sum of the sizes that the workloads of some pods ask for. */
function scaleOf(pods: readonly Pod[], namespace: string, store: View['store']): number {
  const workloads = new Map<string, number>()
  for (const pod of pods) {
    const top = workloadOf(pod, namespace, store)
    if (top !== undefined) workloads.set(top.metadata.uid, (top.spec as { replicas?: number }).replicas ?? 1)
  }
  return [...workloads.values()].reduce((sum, size) => sum + size, 0)
}

const owners = {
  ReplicaSet: types.replicasets,
  Deployment: types.deployments,
  StatefulSet: types.statefulsets,
  ReplicationController: types.replicationcontrollers,
} as const

function workloadOf(object: KubeObject, namespace: string, store: View['store']): KubeObject | undefined {
  const reference = controllerOf(object)
  const type = owners[(reference?.kind ?? '') as keyof typeof owners]
  const owner = type === undefined ? undefined : store.get(type, namespace, reference?.name ?? '')
  return owner === undefined ? undefined : (workloadOf(owner, namespace, store) ?? owner)
}

/** The usage that ResourceQuotas show. */
export const quotaController: Controller = {
  name: 'resourcequota-controller',

  concerns: (change, { store }) =>
    !change.type.namespaced || change.type === types.events
      ? []
      : store.list(types.resourcequotas, change.object.metadata.namespace).map(placeOf),

  decide({ namespace, name }, { store }) {
    const quota = store.get(types.resourcequotas, namespace, name) as ResourceQuota | undefined
    if (quota === undefined) return NOTHING
    const hard = quota.spec.hard ?? {}
    const used = Object.entries(usedOf(hard, countedObjects(store, namespace)))
    const status = { hard, used: Object.fromEntries(used.map(([key, value]) => [key, formatQuantity(key, value)])) }
    return jsonEqual(status, quota.status)
      ? NOTHING
      : { writes: [{ kind: 'status', type: types.resourcequotas, object: { ...quota, status } }] }
  },
}
