import type { Instant } from '../../core/instant.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Uuid } from '../../core/subject.ts'
import type { GatePosition, WorkloadKind } from '../core/model.ts'

// What is kept of a gate. The drivers make and read it; here are its words alone.

/** The hash that pods of a version carry, by the version. */
export type Hashes = Readonly<Record<string, string>>

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
  /** What `current` was when helm was about to go back; absent once it has, or where it was not. */
  readonly forward?: Fields
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
  /** The hashes that traffic may go to while it is frozen: of sets that have passed, as it was frozen. Absent: `previous`. */
  readonly passed?: readonly string[]
  /** The object is another one than was noted first: our fields came with it, in another manager's name. Absent: it is that one. */
  readonly replaced?: true
  /** The execution that had left it frozen, while the one that took it over has not let helm run. */
  readonly takenFrom: Uuid | null
  /** It is on the way back, or was when it was frozen. Absent: it was not. */
  readonly reverted?: true
  /** The mark of the pod template with which it was frozen; until helm runs for an execution that takes it over. Absent: not noted. */
  readonly template?: string
  /** Frozen before helm had gone back: the place from which on all had moved. Absent: the fields themselves tell. */
  readonly movedFrom?: number
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
