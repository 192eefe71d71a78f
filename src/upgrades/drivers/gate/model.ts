import type { Json, JsonObject } from '../../../core/json.ts'
import type { ClusterClient, KubeObject, Resource } from '../../../infra/kubernetes/index.ts'
import type { GatePosition, Member, NamedPlace, WorkloadKind } from '../../core/model.ts'
import type { Fields, GateState } from '../../store/gate-row.ts'
import { within } from './json.ts'

/** A Deployment, StatefulSet or DaemonSet as the cluster has it. */
export type Workload = KubeObject & { readonly spec?: JsonObject; readonly status?: JsonObject }

/** True for a workload, in the cluster or as rendered, whose pods are replaced only when somebody deletes them. */
export const isOnDelete = ({ spec }: { readonly spec?: Json }): boolean =>
  within(spec, 'updateStrategy').type === 'OnDelete'

/** What fields let happen, whoever set them. */
export type Reading =
  | { readonly kind: 'held' | 'open' }
  | { readonly kind: 'admits'; readonly upTo: number; readonly surge: number }

/**
 * Whose pods belong to a workload, and which hash those of its present template carry (null: not told yet). `mark` tells that
 * template from any other, also where no controller has told a hash. Absent: it was not asked.
 */
export type Lineage = { readonly owners: ReadonlySet<string>; readonly current: string | null; readonly mark?: string }

/** Where the way back was stopped: after pods had begun to go, or before helm had gone back. */
export type StoppedBack = Pick<GateState, 'reverted' | 'movedFrom'>

/** What differs between the kinds. All but `lineage` is pure. */
export interface GateKind {
  readonly kind: WorkloadKind
  readonly resource: Resource
  readonly hashLabel: string
  /** Pods that may go are evicted by us: the controller moves none, or one at a time. */
  readonly evicts: boolean
  /** What of the spec a gate changes, as it is now. */
  fields(live: Workload): Fields
  /** These fields in a position. `originals` is what `none` puts back; `stopped`: what is known of one that was stopped on the way back. */
  wanted(live: Workload, originals: Fields, position: GatePosition, stopped: StoppedBack): Fields
  /** The values of ours that a position sets, to be told from those of others later. */
  ours(position: GatePosition): Fields
  /** The originals, where helm or a person has changed fields since they were noted; `rendered` is what helm was kept from. */
  adopt(live: Workload, originals: Fields, wrote: Fields, rendered: Fields): Fields
  /** Those of the fields that helm is not to write over while it runs beneath the gate; null where it may. */
  held(live: Workload): Fields | null
  /** What the present fields let happen. */
  read(live: Workload, originals: Fields): Reading
  /** How many pods are wanted. */
  instances(live: Workload): number
  /** The places that are wanted, where they are known before there is a pod in them; null elsewhere. */
  places(live: Workload, members: readonly Member[]): readonly NamedPlace[] | null
  /** Whether the present fields let a pod go, where they say which: one that they keep would come back in its own version. */
  letsGo(live: Workload, pod: KubeObject): boolean
  /** The lowest place from which on all pods carry the hash; null where none does, or places keep no version. */
  movedFrom(live: Workload, pods: readonly KubeObject[], hash: string): number | null
  /** What a pod's place is bound to; null: any place. */
  placeOf(pod: KubeObject & { readonly spec?: JsonObject }): string | null
  lineage(client: ClusterClient, live: Workload): Promise<Lineage>
}

/** The manager whose name our writes carry in `metadata.managedFields`. */
export const fieldManager = 'flotilla-gate'
