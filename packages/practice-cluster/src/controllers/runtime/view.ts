import { types } from '../../resources/table.ts'
import type { Change, KubeObject, ResourceType, Store } from '../../store/types.ts'
import { controllerOf } from '../decision.ts'
import type { Pod, ReplicaSet } from '../model.ts'

/** What controllers see when they decide: the store, the time, and what would be slow to look for. */
export interface View {
  readonly store: Store
  now(): number
  podsOf(ownerUid: string): readonly Pod[]
  replicaSetsOf(ownerUid: string): readonly ReplicaSet[]
  /** Objects of one namespace that have no controller and are not being deleted. */
  orphanPods(namespace: string): readonly Pod[]
  orphanReplicaSets(namespace: string): readonly ReplicaSet[]
}

/** The view of a running cluster. `observe` must see every change, and every object once at the start. */
export class StoreView implements View {
  readonly store: Store
  readonly now: () => number
  readonly #orphans = new Map<string, Map<string, KubeObject>>()

  constructor(store: Store, now: () => number) {
    this.store = store
    this.now = now
  }

  observe({ type, object, verb }: Change): void {
    if (type !== types.pods && type !== types.replicasets) return
    const place = placeOf(type, object.metadata.namespace ?? '')
    const members = this.#orphans.get(place) ?? new Map<string, KubeObject>()
    const orphan = verb !== 'DELETED' && !object.metadata.deletionTimestamp && controllerOf(object) === undefined
    if (orphan) members.set(object.metadata.uid, object)
    else members.delete(object.metadata.uid)
    if (members.size === 0) this.#orphans.delete(place)
    else this.#orphans.set(place, members)
  }

  podsOf(ownerUid: string): readonly Pod[] {
    return this.#dependents(types.pods, ownerUid) as readonly Pod[]
  }

  replicaSetsOf(ownerUid: string): readonly ReplicaSet[] {
    return this.#dependents(types.replicasets, ownerUid) as readonly ReplicaSet[]
  }

  orphanPods(namespace: string): readonly Pod[] {
    return this.#orphansOf(types.pods, namespace) as readonly Pod[]
  }

  orphanReplicaSets(namespace: string): readonly ReplicaSet[] {
    return this.#orphansOf(types.replicasets, namespace) as readonly ReplicaSet[]
  }

  #dependents(type: ResourceType, ownerUid: string): readonly KubeObject[] {
    const found = this.store.dependents(ownerUid).filter((each) => each.type === type)
    return found.map(({ object }) => object).filter((object) => controllerOf(object)?.uid === ownerUid)
  }

  #orphansOf(type: ResourceType, namespace: string): readonly KubeObject[] {
    return [...(this.#orphans.get(placeOf(type, namespace))?.values() ?? [])]
  }
}

const placeOf = (type: ResourceType, namespace: string): string => `${type.plural}/${namespace}`
