import { kindOf, kindsIn } from '../resources/custom/kinds.ts'
import { isBuiltIn, qualifiedName, types } from '../resources/table.ts'
import type { Change, KubeObject, OwnerReference, ResourceType, Store, StoredRef } from './types.ts'

/** The finalizer that keeps a definition until the objects of its kind are gone. */
export const CLEANUP = 'customresourcecleanup.apiextensions.k8s.io'

/**
 * Deletes what a deletion leaves behind: the objects that a deleted one owns, and the contents of a namespace. Works
 * at once, on each change; call it before the controllers subscribe. Returns how to stop it.
 *
 * - Background: the owner is gone, its dependents follow.
 * - Foreground: the owner waits, with the finalizer `foregroundDeletion`, for dependents that block it.
 * - Orphan: the dependents lose their reference, then the owner goes.
 */
export function collectGarbage(store: Store): () => void {
  const collector = new Collector(store)
  collector.resume()
  return store.subscribe((change) => collector.react(change))
}

class Collector {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** Goes on with what an earlier process had begun. */
  resume(): void {
    for (const type of kindsIn(this.#store)) {
      for (const object of this.#store.list(type)) this.#resumeOne({ type, object })
    }
  }

  react({ verb, type, object, old }: Change): void {
    if (verb === 'DELETED') {
      this.#deleteDependents(object.metadata.uid)
      for (const owner of object.metadata.ownerReferences ?? []) this.#retryOwner(owner.uid, object)
      if (type.namespaced) this.#retryNamespace(type, object.metadata.namespace ?? '')
      if (!isBuiltIn(type)) this.#retryDefinition(type)
    } else if (object.metadata.deletionTimestamp !== undefined) {
      this.#progress({ type, object })
    } else if (verb === 'ADDED' || object.metadata.ownerReferences !== old?.metadata.ownerReferences) {
      this.#deleteIfOrphaned({ type, object })
    }
  }

  #resumeOne(ref: StoredRef): void {
    if (ref.object.metadata.deletionTimestamp !== undefined) this.#progress(ref)
    else this.#deleteIfOrphaned(ref)
  }

  /** Changes reach the collector late when others write meanwhile: only what is stored now counts. */
  #progress({ type, object: seen }: StoredRef): void {
    const object = this.#store.get(type, seen.metadata.namespace ?? '', seen.metadata.name)
    if (object === undefined || object.metadata.uid !== seen.metadata.uid) return
    const ref = { type, object }
    const finalizers = ref.object.metadata.finalizers ?? []
    if (finalizers.includes('orphan')) this.#orphan(ref)
    else if (finalizers.includes('foregroundDeletion')) this.#foreground(ref)
    if (ref.type === types.namespaces) this.#emptyNamespace(ref.object)
    if (ref.type === types.customresourcedefinitions) this.#emptyDefinition(ref.object)
  }

  #orphan(ref: StoredRef): void {
    const { uid } = ref.object.metadata
    for (const { type, object } of this.#store.dependents(uid)) {
      const ownerReferences = (object.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== uid)
      this.#store.update(type, { ...object, metadata: { ...object.metadata, ownerReferences } })
    }
    this.#withoutFinalizer(ref, 'orphan')
  }

  #foreground(ref: StoredRef): void {
    const { uid } = ref.object.metadata
    for (const { type, object } of this.#store.dependents(uid)) this.#delete({ type, object }, 'Foreground')
    const blocking = this.#store.dependents(uid).some(({ object }) => blocks(object, uid))
    if (!blocking) this.#withoutFinalizer(ref, 'foregroundDeletion')
  }

  #withoutFinalizer({ type, object }: StoredRef, finalizer: string): void {
    const current = this.#store.get(type, object.metadata.namespace ?? '', object.metadata.name)
    if (current?.metadata.uid !== object.metadata.uid) return
    const finalizers = (current.metadata.finalizers ?? []).filter((each) => each !== finalizer)
    this.#store.update(type, { ...current, metadata: { ...current.metadata, finalizers } })
  }

  #deleteDependents(uid: string): void {
    for (const ref of this.#store.dependents(uid)) this.#deleteIfOrphaned(ref)
  }

  /** An object whose owners are all gone goes too. */
  #deleteIfOrphaned(ref: StoredRef): void {
    const owners = ref.object.metadata.ownerReferences ?? []
    if (owners.length > 0 && !owners.some((owner) => this.#lives(owner.uid, owner, ref.object)))
      this.#delete(ref, 'Background')
  }

  #lives(uid: string, { apiVersion, kind, name }: OwnerReference, dependent: KubeObject): boolean {
    const type = this.#kindNamed(apiVersion, kind)
    if (type === undefined) return true
    const owner = this.#store.get(type, type.namespaced ? (dependent.metadata.namespace ?? '') : '', name)
    return owner?.metadata.uid === uid
  }

  #kindNamed(apiVersion: string, kind: string): ResourceType | undefined {
    const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
    return kindsIn(this.#store).find((each) => each.kind === kind && each.group === group)
  }

  #delete({ type, object }: StoredRef, propagationPolicy: 'Background' | 'Foreground'): void {
    const { namespace = '', name, uid, deletionTimestamp } = object.metadata
    if (deletionTimestamp !== undefined || this.#store.get(type, namespace, name)?.metadata.uid !== uid) return
    this.#store.delete(type, namespace, name, { propagationPolicy, preconditions: { uid } })
  }

  #retryOwner(uid: string, dependent: KubeObject): void {
    const reference = dependent.metadata.ownerReferences?.find((owner) => owner.uid === uid)
    const type = reference === undefined ? undefined : this.#kindNamed(reference.apiVersion, reference.kind)
    if (reference === undefined || type === undefined) return
    const owner = this.#store.get(type, type.namespaced ? (dependent.metadata.namespace ?? '') : '', reference.name)
    if (owner?.metadata.uid === uid && owner.metadata.deletionTimestamp !== undefined)
      this.#progress({ type, object: owner })
  }

  #emptyNamespace(namespace: KubeObject): void {
    const { metadata } = namespace
    this.#store.updateStatus(types.namespaces, { ...namespace, status: { phase: 'Terminating' } })
    this.#emptyFurther(metadata.name)
  }

  /** Pods go first, and all else only once the last of them is gone: they lose nothing that they use. */
  #emptyFurther(name: string): void {
    for (const object of this.#store.list(types.pods, name)) this.#delete({ type: types.pods, object }, 'Background')
    if (this.#store.list(types.pods, name).length > 0) return
    for (const ref of this.#contents(name)) this.#delete(ref, 'Background')
    this.#finishNamespace(name)
  }

  #retryNamespace(type: ResourceType, name: string): void {
    const namespace = this.#store.get(types.namespaces, '', name)
    if (namespace?.metadata.deletionTimestamp === undefined) return
    if (type === types.pods) this.#emptyFurther(name)
    else this.#finishNamespace(name)
  }

  #contents(namespace: string): StoredRef[] {
    const namespaced = kindsIn(this.#store).filter((type) => type.namespaced)
    return namespaced.flatMap((type) => this.#store.list(type, namespace).map((object) => ({ type, object })))
  }

  /** A namespace goes when it is empty: its `spec.finalizers` then lose `kubernetes`. */
  #finishNamespace(name: string): void {
    const namespace = this.#store.get(types.namespaces, '', name)
    if (namespace?.metadata.deletionTimestamp === undefined || this.#contents(name).length > 0) return
    const { finalizers: _, ...spec } = (namespace.spec ?? {}) as Record<string, unknown>
    this.#store.update(types.namespaces, { ...namespace, spec })
  }

  /** The objects of a custom kind go before its definition, which `CLEANUP` holds until then. */
  #emptyDefinition(definition: KubeObject): void {
    const type = kindOf(definition)
    const objects = type === undefined ? [] : this.#store.list(type)
    for (const object of objects) if (type !== undefined) this.#delete({ type, object }, 'Background')
    const left = type === undefined ? 0 : this.#store.list(type).length
    if (left === 0) this.#withoutFinalizer({ type: types.customresourcedefinitions, object: definition }, CLEANUP)
  }

  #retryDefinition(type: ResourceType): void {
    const definition = this.#store.get(types.customresourcedefinitions, '', qualifiedName(type))
    if (definition?.metadata.deletionTimestamp !== undefined) this.#emptyDefinition(definition)
  }
}

function blocks(object: KubeObject, uid: string): boolean {
  return (object.metadata.ownerReferences ?? []).some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true)
}
