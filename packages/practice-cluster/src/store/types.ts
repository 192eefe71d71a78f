/**
 * What the practice cluster stores, and how its parts read and write it.
 *
 * Every object is an immutable value: what `get`, `list` and a change hand out is never edited, a writer makes a new
 * one (`{ ...object, spec: { ...spec, replicas: 3 } }`). That is why nothing is copied on the way.
 *
 * How a controller uses it: everything is synchronous and in one process.
 *
 * ```ts
 * const stop = store.subscribe((change) => {
 *   if (change.type.kind === 'Deployment') queue.add(change.object.metadata.uid)
 * })
 * const pods = store.list(types.pods, 'shop')
 * store.create(types.pods, { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'web-', namespace: 'shop' }, spec })
 * store.updateStatus(types.pods, { ...pod, status: { phase: 'Running' } })
 * store.delete(types.pods, 'shop', 'web-x1', { preconditions: { uid: pod.metadata.uid } })
 * ```
 *
 * A write with `metadata.resourceVersion` is refused as `Conflict` when the object has changed since; without one the
 * last writer wins. Changes reach every listener in the order of their resourceVersions, also when a listener writes
 * itself: its change is queued behind those being delivered. A listener that throws does not stop the others.
 */

/** A reference from a dependent object to its owner; the garbage collector follows it by `uid`. */
export type OwnerReference = {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

/** One entry of `metadata.managedFields`: which manager owns which fields. */
export type ManagedFieldsEntry = {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly time?: string
  readonly fieldsType: 'FieldsV1'
  readonly fieldsV1: Readonly<Record<string, unknown>>
  readonly subresource?: string
}

/** The metadata of a stored object. */
export type ObjectMeta = {
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly creationTimestamp: string
  readonly namespace?: string
  readonly generateName?: string
  readonly generation?: number
  readonly deletionTimestamp?: string
  readonly deletionGracePeriodSeconds?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly OwnerReference[]
  readonly finalizers?: readonly string[]
  readonly managedFields?: readonly ManagedFieldsEntry[]
}

/** A stored object. The rest (`spec`, `status`, `data`…) is what its kind says. */
export type KubeObject = {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  readonly [field: string]: unknown
}

/** An object as a writer gives it: the server fills in what is missing of the metadata. */
export type KubeInput = {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Partial<ObjectMeta>
  readonly [field: string]: unknown
}

/** One kind as the API serves it; `src/resources` has the table of all. */
export type ResourceType = {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly singular: string
  readonly kind: string
  readonly namespaced: boolean
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  /** Whether `metadata.generation` counts the changes of the specification. */
  readonly generation: boolean
  /** Whether `status` is a subresource, so that an ordinary update leaves it alone. */
  readonly status: boolean
  /** Whether `…/scale` is served. */
  readonly scale: boolean
}

/** Which version of an object the caller means; another one is a `Conflict`. */
export type Preconditions = { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined }

/** What happens to the objects that a deleted one owns. */
export type PropagationPolicy = 'Background' | 'Foreground' | 'Orphan'

export type WriteOptions = {
  /** Answers what would be stored and stores nothing. */
  readonly dryRun?: boolean
}

export type DeleteOptions = WriteOptions & {
  readonly preconditions?: Preconditions | undefined
  readonly propagationPolicy?: PropagationPolicy | undefined
  /** 0 removes a Pod at once; otherwise a Pod on a node stays with a `deletionTimestamp` until it is removed with 0. */
  readonly gracePeriodSeconds?: number | undefined
}

/** One committed change. `object` of a DELETED is the last state, with the resourceVersion of the deletion. */
export type Change = {
  readonly verb: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly type: ResourceType
  readonly object: KubeObject
  readonly old: KubeObject | undefined
  /** The global version of this change, rising by one with each. */
  readonly version: number
}

export type Listener = (change: Change) => void

/** What a deletion did: `removed` is gone, otherwise it waits for its finalizers, dependents or its node. */
export type Deletion = { readonly object: KubeObject; readonly removed: boolean }

export interface Store {
  /** The version of the newest change, as clients see it in a list's `metadata.resourceVersion`. */
  readonly version: number
  /** `namespace` is `''` for cluster-scoped kinds. */
  get(type: ResourceType, namespace: string, name: string): KubeObject | undefined
  /** All of one namespace, or of every one, ordered by namespace and name. */
  list(type: ResourceType, namespace?: string): readonly KubeObject[]
  /** The objects whose `ownerReferences` name this uid. */
  dependents(ownerUid: string): readonly StoredRef[]
  /** @throws StoreError `AlreadyExists`, `NotFound` (the namespace), `Forbidden` (the namespace is terminating). */
  create(type: ResourceType, input: KubeInput, options?: WriteOptions): KubeObject
  /** Replaces all but `status`; bumps `generation` when the specification changed. @throws StoreError `NotFound`, `Conflict`. */
  update(type: ResourceType, input: KubeInput, options?: WriteOptions): KubeObject
  /** Replaces only `status` (and managedFields). @throws StoreError `NotFound`, `Conflict`. */
  updateStatus(type: ResourceType, input: KubeInput, options?: WriteOptions): KubeObject
  /** @throws StoreError `NotFound`, `Conflict`. */
  delete(type: ResourceType, namespace: string, name: string, options?: DeleteOptions): Deletion
  /** Calls back after each committed change, until the returned function is called. */
  subscribe(listener: Listener): () => void
}

/** Where an object lies. */
export type StoredRef = { readonly type: ResourceType; readonly object: KubeObject }

export const storeErrorReasons = ['NotFound', 'AlreadyExists', 'Conflict', 'Forbidden'] as const
export type StoreErrorReason = (typeof storeErrorReasons)[number]

/** A write that the store refused; the API turns it into a Status of the same reason. */
export class StoreError extends Error {
  readonly reason: StoreErrorReason
  readonly type: ResourceType
  readonly objectName: string

  constructor(reason: StoreErrorReason, type: ResourceType, objectName: string, message: string) {
    super(message)
    this.name = 'StoreError'
    this.reason = reason
    this.type = type
    this.objectName = objectName
  }
}
