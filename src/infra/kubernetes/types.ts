import type { Dispatcher } from 'undici'
import type { Json, JsonObject } from '../../core/json.ts'

/** Where a cluster is and how to speak to it, credentials included. Helm's gateway and the client below use the same. */
export interface ClusterEndpoint {
  readonly server: URL
  readonly dispatcher: Dispatcher
  /** Credentials of the next request, impersonation included. Cheap: what can be kept is kept until it expires. */
  headers(): Promise<Readonly<Record<string, string | string[]>>>
  /** The server answered 401: credentials that can be fetched anew are, for the next request. */
  rejected?(): void
}

export type OwnerReference = {
  readonly apiVersion?: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
}

/** The part of an object's metadata that Flotilla reads. */
export type ObjectMeta = {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly finalizers?: readonly string[]
  readonly ownerReferences?: readonly OwnerReference[]
  /** Who owns which fields, in the order of the server: JSON patches name entries by their index. */
  readonly managedFields?: readonly ManagedFields[]
}

/** Which fields one manager owns, by one kind of operation. */
export type ManagedFields = {
  readonly manager?: string
  readonly operation?: string
  readonly subresource?: string
  readonly fieldsV1?: JsonObject
}

/** Any object of the API. What a caller reads beyond this it says with a type of its own, every field optional. */
export type KubeObject = {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMeta
}

/** A kind as the API serves it. */
export type Resource = {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  /** The name in the path: lower case, plural. */
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
}

/** One object, by name. `namespace` is left out for what has none. */
export type ObjectName = { readonly namespace?: string; readonly name: string }

/** Which objects a list or watch takes. Without `namespace`: those of all namespaces. */
export type Selection = {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

export type RequestOptions = {
  /** Ends the request; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Milliseconds for the whole request, repetitions included; 30,000 unless told. */
  readonly timeoutMs?: number
}

/** `first`: so many objects at most, in the order of the server, and no other page; all of them unless told. */
export type ListOptions = RequestOptions & { readonly first?: number }

export type Page<T> = { readonly items: readonly T[]; readonly resourceVersion: string }

/** `merge`: RFC 7386. `json`: RFC 6902. `apply`: server-side apply, by this manager; with `dryRun` nothing is kept. */
export type Patch =
  | { readonly type: 'merge'; readonly body: Json; readonly fieldManager?: string }
  | { readonly type: 'json'; readonly body: readonly Json[]; readonly fieldManager?: string }
  | ApplyPatch
export type ApplyPatch = {
  readonly type: 'apply'
  readonly body: Json
  readonly fieldManager: string
  readonly force?: boolean
  readonly dryRun?: boolean
}

export type DeleteOptions = RequestOptions & {
  /** The object is deleted only while it is still this one; else the server answers 409. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan'
  readonly gracePeriodSeconds?: number
}

/**
 * How the API server answered an eviction. `refused`: a disruption budget does not allow it now, or admission or
 * our rights do not at all, in the server's words. `gone`: there is no such pod any more, or the name is another pod's.
 */
export type EvictionAnswer = { readonly kind: 'allowed' | 'gone' } | { readonly kind: 'refused'; readonly why: string }

/** One pod, by UID, so that it is never another one of the same name. */
export type Eviction = { readonly namespace: string; readonly name: string; readonly uid: string }

/** A request to a port of a pod, through the API server's proxy. `path` begins with a slash. */
export type PodAddress = {
  readonly namespace: string
  readonly name: string
  readonly port: number
  readonly path: string
}

/**
 * What came of it: the pod's HTTP status, or the proxy's for it. `silent`: nothing came in time. `unasked`: the API server
 * refused or failed by itself, each time that it was asked, which says nothing of the pod.
 */
export type Probed = number | 'silent' | 'unasked'

/**
 * Reads and writes objects. Every method throws `ClusterError`, also when no answer came. Reads are repeated a few
 * times when the server asks for patience (429, 503); writes never are: whether to repeat one is the caller's decision.
 */
export interface ClusterClient {
  readonly endpoint: ClusterEndpoint
  /** The object. Throws a `ClusterError` with `isAbsent` when it is not there. */
  get<T extends KubeObject>(resource: Resource, name: ObjectName, options?: RequestOptions): Promise<T>
  /** Null only when the server says that this very object is not there; whatever else is wrong throws. */
  find<T extends KubeObject>(resource: Resource, name: ObjectName, options?: RequestOptions): Promise<T | null>
  /** As `find`, metadata alone: no values come near. */
  findMetadata(resource: Resource, name: ObjectName, options?: RequestOptions): Promise<KubeObject | null>
  /** All of them, page by page, from one version. */
  list<T extends KubeObject>(resource: Resource, selection: Selection, options?: ListOptions): Promise<Page<T>>
  /** As `list`, metadata alone. */
  listMetadata(resource: Resource, selection: Selection, options?: ListOptions): Promise<Page<KubeObject>>
  create<T extends KubeObject>(resource: Resource, object: T, options?: RequestOptions): Promise<T>
  /** With `metadata.resourceVersion` only while the object is still that one (409 otherwise). */
  replace<T extends KubeObject>(resource: Resource, object: T, options?: RequestOptions): Promise<T>
  patch<T extends KubeObject>(resource: Resource, name: ObjectName, patch: Patch, options?: RequestOptions): Promise<T>
  /** True when it is deleted or being deleted, false when it was not there. */
  delete(resource: Resource, name: ObjectName, options?: DeleteOptions): Promise<boolean>
  /** Asks for a pod to be evicted; with `dryRun` nothing moves, and the answer is the same. */
  evict(pod: Eviction, options?: RequestOptions & { readonly dryRun?: boolean }): Promise<EvictionAnswer>
  /**
   * The HTTP status of a GET of a pod, by the API server's proxy. Follows no redirect; reads at most 64 KiB and keeps
   * nothing. Throws `ClusterError` when the API server itself cannot be reached.
   */
  probe(pod: PodAddress, options?: RequestOptions): Promise<Probed>
  /** A GET of another kind of path (discovery, logs): the body as text. */
  text(path: string, options?: RequestOptions & { readonly maxBytes?: number }): Promise<string>
}
