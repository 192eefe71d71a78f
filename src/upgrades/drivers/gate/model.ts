import type { Instant } from '../../../core/instant.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { Uuid } from '../../../core/subject.ts'
import type { ClusterClient, KubeObject, Resource } from '../../../infra/kubernetes/index.ts'
import type { GatePosition, WorkloadKind } from '../../core/model.ts'
import type { Hashes } from './hashes.ts'

/** A Deployment, StatefulSet or DaemonSet as the cluster has it. */
export type Workload = KubeObject & { readonly spec?: JsonObject; readonly status?: JsonObject }

/** The part of a workload's `spec` that gates change. A field that is not there has its default. */
export type Fields = JsonObject

/** A Service that was pinned, and what its selector said of the hash before: null for nothing. */
export type PinnedService = { readonly name: string; readonly uid: string; readonly hash: string | null }

/** What a workload was like before anything of ours was on it. */
export type Originals = {
  /** Before helm ran: what the previous version runs with. */
  readonly before: Fields
  /** What taking the gate away puts back: as helm has last made it. */
  readonly current: Fields
  /** Which of these fields helm owned, as the API server's managed fields write it: given back at the end. */
  readonly owned: JsonObject
  readonly services: readonly PinnedService[]
}

/** What is known of a gate besides the originals. */
export type GateState = {
  /** The position that was last written, or was about to be. */
  readonly position: GatePosition
  readonly role: 'target' | 'other'
  /** The hash that pods of a version carry: who takes a frozen fleet over finds its pods by it. */
  readonly hashes: Hashes
  readonly previous: string | null
  readonly target: string | null
  /** Fields with values of ours: another value in the cluster is somebody else's. */
  readonly wrote: Fields
  /** UIDs of the pods that the position lets go. */
  readonly take: readonly string[]
  /** The execution that had left it frozen, while the one that took it over has not let helm run. */
  readonly takenFrom: Uuid | null
  /** The fields as that one had left them. */
  readonly asFound: Fields | null
}

/** A row of `gates`: committed before the patch that it speaks of. */
export type GateRow = {
  readonly clusterId: Uuid
  readonly workloadUid: string
  readonly executionId: Uuid
  readonly releaseId: Uuid
  readonly namespace: string
  readonly kind: WorkloadKind
  readonly name: string
  readonly originals: Originals
  readonly state: GateState
  readonly createdAt: Instant
}

/** What fields let happen, whoever set them. */
export type Reading =
  | { readonly kind: 'held' | 'open' }
  | { readonly kind: 'admits'; readonly upTo: number; readonly surge: number }

/** Whose pods belong to a workload, and which hash those of its present template carry (null: not told yet). */
export type Lineage = { readonly owners: ReadonlySet<string>; readonly current: string | null }

/** What differs between the kinds. All but `lineage` is pure. */
export interface GateKind {
  readonly kind: WorkloadKind
  readonly resource: Resource
  readonly hashLabel: string
  /** Pods that may go are evicted by us: the controller moves none, or one at a time. */
  readonly evicts: boolean
  /** What of the spec a gate changes, as it is now. */
  fields(live: Workload): Fields
  /** These fields in a position. `originals` is what `none` puts back. */
  wanted(live: Workload, originals: Fields, position: GatePosition): Fields
  /** The values of ours that a position sets, to be told from those of others later. */
  ours(position: GatePosition): Fields
  /** The originals, where helm or a person has changed fields since they were noted. */
  adopt(live: Workload, originals: Fields, wrote: Fields): Fields
  /** Those of the fields that helm is not to write over while it runs beneath the gate; null where it may. */
  held(live: Workload): Fields | null
  /** What the present fields let happen. */
  read(live: Workload, originals: Fields): Reading
  /** How many pods are wanted. */
  instances(live: Workload): number
  /** What a pod's place is bound to; null: any place. */
  placeOf(pod: KubeObject & { readonly spec?: JsonObject }): string | null
  lineage(client: ClusterClient, live: Workload): Promise<Lineage>
}

/** The manager whose name our writes carry in `metadata.managedFields`. */
export const fieldManager = 'flotilla-gate'
