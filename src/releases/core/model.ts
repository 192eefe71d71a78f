import type { ActFailure, Waiting } from '../../core/decision.ts'
import type { Instant } from '../../core/instant.ts'
import type { Json, JsonObject } from '../../core/json.ts'
import type { ErrorCode } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import type { PodRef, Readiness } from './readiness.ts'

/** SPEC section 3, "States". */
export const releaseStatuses = [
  'DEPLOYED',
  'PENDING_INSTALL',
  'PENDING_UPGRADE',
  'PENDING_ROLLBACK',
  'FAILED',
  'UNINSTALLED',
] as const
export type ReleaseStatus = (typeof releaseStatuses)[number]

/** Helm's own status of a revision, as its Secret's label says it. */
export type HelmStatus =
  | 'unknown'
  | 'deployed'
  | 'uninstalled'
  | 'superseded'
  | 'failed'
  | 'uninstalling'
  | 'pending-install'
  | 'pending-upgrade'
  | 'pending-rollback'

export type ActionKind = 'install' | 'upgrade' | 'rollback' | 'uninstall'
export type OperationKind = ActionKind | 'recover'

/** What is kept of something that an uninstall leaves behind, and why. */
export type Leftover = { readonly kind: string; readonly name: string; readonly why: string }

/** `watched`: the watch of its cluster counted it, and vouches for it as long as it tells nothing else; false: it does no more. */
export type Health = {
  readonly ready: number
  readonly total: number
  readonly observedAt: Instant
  readonly watched?: boolean
  /** How many workloads the watch has counted; 0: it has seen some, and they are gone. */
  readonly workloads?: number
}

/**
 * A release in two versions, which an execution left: how many instances run which, as it was seen last. `over`: another hand has ended the
 * freeze while an execution held the release, and its gates come off once nobody holds it. `unjudged`: a revision of another hand was
 * there when it was left, and it is to be seen whether that changes anything.
 */
export type Frozen = {
  readonly executionId: Uuid
  readonly versions: Record<string, number>
  readonly over?: true
  readonly unjudged?: true
}

/**
 * Where pinned traffic goes; `unseen`: it could not be read. `pins`: the version, by the Service. `outage`: that of `service` goes
 * to nobody, no pod of that set is ready. `to`: the version that has passed and could serve, or null. `detail` may be shown.
 */
export type FrozenTraffic =
  | { readonly kind: 'unseen' }
  | { readonly kind: 'serves'; readonly pins: Readonly<Record<string, string>> }
  | { readonly kind: 'outage'; readonly service: string; readonly to: string | null; readonly detail: string }

/** How a release shows while an execution holds it. */
export const claimedStatuses = ['PENDING_UPGRADE', 'PENDING_ROLLBACK'] as const
export type ClaimedStatus = (typeof claimedStatuses)[number]

/** The hold of an upgrade execution on a release (SPEC section 5): `status` and the rest go on beneath it. */
export type Claim = {
  readonly executionId: Uuid
  readonly shown: ClaimedStatus
  /** Helm's newest revision when it began: while it is the same nothing was deployed. */
  readonly revision: number
  /** The chart version of the upgrade that the execution has given, once it has. */
  readonly target: string | null
}

export type ObservedRevision = { readonly secretUid: string; readonly resourceVersion: string }

/** One deployed instance of a chart, as the control plane knows it. Its id outlives its revisions, not its uninstall. */
export type Release = {
  readonly id: Uuid
  readonly tenantId: Uuid
  readonly clusterId: Uuid
  readonly namespace: string
  readonly name: string
  readonly chart: string
  /** Of the newest revision that ended DEPLOYED; before there is one, of the newest request. */
  readonly chartVersion: string
  /** Of a failed or running operation, where it is another one. */
  readonly attemptedChartVersion: string | null
  readonly appVersion: string | null
  /** What its last operation made of it. While it is claimed callers see `shownStatus` instead. */
  readonly status: ReleaseStatus
  /** Which kind of operation left the release FAILED: it decides what is allowed next. */
  readonly failedKind: ActionKind | null
  readonly everDeployed: boolean
  /** Helm's number of the newest revision; 0 while there is none. */
  readonly revision: number
  readonly secretUid: string | null
  /** Which write of the newest revision was looked at last: only another one means that something happened. */
  readonly observed: ObservedRevision | null
  /** The tenant's stored overrides: user-supplied values of the newest revision that ended DEPLOYED. */
  readonly values: JsonObject
  readonly description: string | null
  readonly health: Health | null
  readonly waitingFor: Waiting | null
  readonly pendingBy: 'external' | null
  readonly frozen: Frozen | null
  readonly leftovers: readonly Leftover[]
  readonly claim: Claim | null
  readonly performedBy: string
  readonly seq: bigint
  readonly version: number
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

/** How a revision's operation ended. Never Helm's `superseded`, which proves nothing. */
export type Verdict = ReleaseStatus

/** What the database mirrors of one Helm revision, without its values and manifest. */
export type RevisionSummary = {
  readonly revision: number
  readonly secretUid: string
  readonly operationId: Uuid | null
  readonly verdict: Verdict
  readonly chart: string
  readonly chartVersion: string
  readonly chartDigest: string | null
  readonly appVersion: string | null
  readonly description: string | null
  readonly performedBy: string
  readonly createdAt: Instant
}

/** A revision to be mirrored, with what Helm's record says of its values and manifest; null keeps what is mirrored. */
export type RevisionRecord = RevisionSummary & { readonly content: RevisionContent | null }
export type RevisionContent = Pick<HelmRevision, 'values' | 'manifest' | 'hooks'>

/** What an operation is to do. Everything that it needs is fixed when it is accepted. */
export type OperationRequest = {
  readonly chartDigest: string | null
  readonly chartVersion: string
  readonly appVersion: string | null
  /** The complete user-supplied values that Helm gets. */
  readonly values: JsonObject
  readonly description: string | null
  readonly timeoutSeconds: number
  readonly atomic: boolean
  readonly wait: boolean
  readonly waitForJobs: boolean
  readonly forceConflicts: boolean
  readonly targetRevision: number | null
  /** The chart may have hooks: an interrupted upgrade that rendered some cannot be repeated safely. */
  readonly hasHooks: boolean
  /** It ends a freeze: what another hand has scaled meanwhile stays so. */
  readonly keepsScale?: boolean | undefined
  /** An uninstall or a rollback that leaves the chart's hooks out. */
  readonly noHooks?: boolean | undefined
  /** The execution that gave it: when helm has applied, that execution says how it ends, not the workloads. */
  readonly heldBy: Uuid | null
}

/** How an execution says that an operation of it ends. */
export type Conclusion =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly detail: string }

/**
 * Where an operation stands.
 * `queued`: accepted, nothing done. `applying`: an act is due, runs or was interrupted. `settling`: a pending revision
 * of ours is being ended in Helm's storage. `superseding`: helm has applied, and an earlier revision that it still calls
 * deployed is being ended there. `waiting`: applied, workloads are becoming ready. `held`: applied, the
 * execution that gave it says how it ends. `failing`: it failed, evidence is being read before anything else is touched.
 * `removing`: uninstalled, objects are still going; `byHelm`: that has deleted them, so they must go. `yielding`: another hand has overtaken it, what our helm left is being
 * settled, and until `until` something of it may still arrive. On a frozen release besides: `halting` before helm, so that nothing
 * moves while it applies, and `restoring` after it, which ends the freeze.
 */
export type Phase =
  | { readonly name: 'queued' }
  /** `mended`: the record that helm compares a repeated rollback with names what is the release's. */
  | { readonly name: 'applying'; readonly tries: number; readonly mended?: true }
  | { readonly name: 'settling'; readonly next: AfterSettling; readonly tries: number }
  | { readonly name: 'superseding' }
  | { readonly name: 'halting' }
  | { readonly name: 'restoring'; readonly next: 'waiting' | 'removing' }
  | { readonly name: 'waiting' }
  | { readonly name: 'held' }
  | { readonly name: 'failing'; readonly failure: ActFailure; readonly tries?: number }
  | { readonly name: 'removing'; readonly byHelm?: true }
  | { readonly name: 'yielding'; readonly what: string; readonly until: Instant }
export type AfterSettling =
  /** `failure`: of the try before, which is the last one if there is no time for another. */
  | { readonly kind: 'again'; readonly failure?: ActFailure }
  | { readonly kind: 'conclude'; readonly failure: ActFailure }
  | { readonly kind: 'recovered' }

/** The second half of an `atomic` operation that failed: what went wrong, and what is gone back to (null: nothing, uninstall). */
export type Reverting = { readonly failure: ActFailure; readonly target: number | null }

/** Its end. `evidence` may be read by the tenant only. */
export type Outcome = {
  readonly status: 'SUCCEEDED' | 'FAILED' | 'CANCELLED'
  readonly error: { readonly code: ErrorCode; readonly detail: string } | null
}

export type Operation = {
  readonly id: Uuid
  /** The batch that asked for it; it is told when the operation ends. */
  readonly parentId: Uuid | null
  readonly kind: OperationKind
  readonly request: OperationRequest
  readonly phase: Phase
  readonly reverting: Reverting | null
  /** One deadline for hooks and waiting, set when it starts; the rollback of `atomic` gets its own. */
  readonly deadline: Instant | null
  readonly cancelRequested: boolean
  /** What its execution has said, where one gave it. Remembered until helm has ended. */
  readonly verdict: Conclusion | null
  /** What the release was before, put back when a queued operation is cancelled. */
  readonly before: { readonly status: ReleaseStatus; readonly attemptedChartVersion: string | null }
  readonly evidence: Json | null
  /** What of other hands its rollback was about to overwrite, looked at right before it. For the tenant only, as evidence is. */
  readonly overwritten: Overwritten
  /** Who asked: the name that is shown, and the principal that it stands for. */
  readonly performedBy: string
  readonly principalId: string
  readonly reason: string | null
  readonly createdAt: Instant
  readonly startedAt: Instant | null
  readonly endedAt: Instant | null
  readonly outcome: Outcome | null
}

/** Everything that a decision about a release is made of. */
export type ReleaseState = {
  readonly release: Release
  /** The newest operation: open while `endedAt` is null. */
  readonly operation: Operation | null
  /** Oldest first. */
  readonly revisions: readonly RevisionSummary[]
  /** Set by a decision: revisions to insert or to replace when it is saved. Always empty when loaded. */
  readonly mirrored: readonly RevisionRecord[]
}

/** One revision as Helm's storage has it, decoded. */
export type HelmRevision = {
  readonly revision: number
  readonly secretUid: string
  readonly resourceVersion: string
  readonly status: HelmStatus
  readonly operationId: Uuid | null
  /** Which attempt of that operation made it. Both labels are inherited by an upgrade by hand. */
  readonly attempt: number | null
  readonly description: string
  readonly chart: string
  readonly chartVersion: string
  readonly appVersion: string | null
  readonly values: JsonObject
  readonly manifest: string
  /** The manifests of its hooks, which are not in the other. */
  readonly hooks: string
  readonly deployedAt: Instant
  /** The kept chart, where another hand made the revision and Helm's record could be repacked. */
  readonly chartDigest: string | null
}

/** What the metadata alone tells of a stored revision. */
export type StoredRevision = Pick<HelmRevision, 'revision' | 'secretUid' | 'status'>

/** A field of the release that another manager owns, with what is there and what the chart wants. */
export type FieldConflict = {
  readonly object: string
  readonly field: string
  readonly manager: string
  readonly live: Json
  readonly wanted: Json
}

/** What of other hands a rollback overwrites. `incomplete`: why these are not all, or it is not known at all. */
export type Overwritten = { readonly fields: readonly FieldConflict[]; readonly incomplete: string | null }
export const nothingOverwritten: Overwritten = { fields: [], incomplete: null }

/** What is left of an uninstalled release: `remaining` keeps it from being gone, `leftovers` stay in any case. */
export type Remains = {
  readonly gone: boolean
  /** Some of what remains is being deleted, so that it is worth waiting for. */
  readonly deleting: boolean
  readonly remaining: readonly Leftover[]
  readonly blockers: readonly string[]
  readonly leftovers: readonly Leftover[]
  /** Where pods that stop are all that remains: when the last of them must have, null while some are not told to yet. */
  readonly stopping?: { readonly until: Instant | null }
  /** `leftovers` holds what earlier revisions have left too, which is read only where it may be the end. */
  readonly whole?: true
  /** What hangs, read only when the removal is about to be given up. */
  readonly evidence?: Json
}

/** A look at a release. `unreadable` is never taken for `absent`. */
export type ReleaseObservation =
  | { readonly kind: 'unreadable'; readonly why: string }
  | { readonly kind: 'absent'; readonly remains: Remains | null }
  | {
      readonly kind: 'present'
      readonly newest: HelmRevision
      /** Records that are not mirrored yet, oldest first; without `newest`. */
      readonly unknown: readonly HelmRevision[]
      /** What Helm still stores, also what is mirrored and not read again. */
      readonly stored: readonly StoredRevision[]
      readonly readiness: Readiness | null
      /** Of a release whose record says `uninstalled` (`--keep-history`); null while nobody asks. */
      readonly remains: Remains | null
      /** Read only while an operation is `failing`. */
      readonly evidence: Json | null
      /** Read with it: the hook that an act which was ended or lost in it has left, in words. */
      readonly leftByHook: string | null
      /** Read only where a rollback is next: what it takes from other hands. */
      readonly overwritten: Overwritten | null
      /** Both read only at rest of a frozen release: null where nothing is pinned, or nothing held, or nobody asks. */
      readonly traffic: FrozenTraffic | null
      readonly frozenVersions: Frozen['versions'] | null
      /** Read of a frozen release where its newest revision may be without effect (`without-effect.ts`). Absent: nobody asks. */
      readonly heldTemplates?: 'same' | 'changed' | 'unknown'
      /** Read where helm may have applied: a workload carries the note of an execution though nothing is frozen. Absent: none does. */
      readonly stillHeld?: boolean
    }
export type Absent = Extract<ReleaseObservation, { kind: 'absent' }>
export type Present = Extract<ReleaseObservation, { kind: 'present' }>

/** What may be done to a cluster for a release. Each names its operation: an attempt of another one proves nothing. */
export type ReleaseAct =
  | { readonly kind: 'install'; readonly operationId: Uuid; readonly replace: boolean }
  | { readonly kind: 'upgrade'; readonly operationId: Uuid }
  | { readonly kind: 'rollback'; readonly operationId: Uuid; readonly target: number }
  | { readonly kind: 'uninstall'; readonly operationId: Uuid }
  | {
      readonly kind: 'settle'
      readonly operationId: Uuid
      readonly revision: number
      readonly secretUid: string
      readonly reason: string
      /** This revision's objects are named in the record besides its own: what comes next has to find them (docs/adr/0040). */
      readonly objectsOf?: number
    }
  /** What helm does to the revision before the one that it has deployed, and goes on without where it could not. */
  | {
      readonly kind: 'supersede'
      readonly operationId: Uuid
      readonly revision: number
      readonly secretUid: string
    }
  /** Nothing of a frozen release moves, and helm owns every field: what comes before helm. */
  | { readonly kind: 'halt'; readonly operationId: Uuid }
  /** The workloads of a frozen release get their own fields back and move. */
  | {
      readonly kind: 'restore'
      readonly operationId: Uuid
      /** With this one, in a row, where another hand has ended the freeze: nothing limits how long that is tried. */
      readonly tries?: number
    }
  /** The traffic of a frozen release goes to a set that can serve; what was seen of it is `service`, and version `to`. */
  | {
      readonly kind: 'repin'
      readonly operationId: Uuid
      readonly service: string
      readonly to: string
      /** With this one, in a row. */
      readonly tries: number
    }
  | { readonly kind: 'removeStuckPods'; readonly operationId: Uuid; readonly pods: readonly PodRef[] }

/** What callers ask for. `ifRevision`: the revision that the command was made for; at another one it is refused. */
export type CallerCommand =
  | { readonly kind: 'upgrade'; readonly operation: NewOperation; readonly ifRevision: number }
  | { readonly kind: 'rollback'; readonly operation: NewOperation; readonly ifRevision: number }
  | { readonly kind: 'uninstall'; readonly operation: NewOperation }
  | { readonly kind: 'recover'; readonly operation: NewOperation; readonly force: boolean }
  | { readonly kind: 'cancel'; readonly operationId: Uuid }

/** What an upgrade execution asks for. The operation of an order carries the execution as `heldBy`. */
export type ExecutionCommand =
  | { readonly kind: 'claim'; readonly executionId: Uuid }
  | { readonly kind: 'show'; readonly executionId: Uuid; readonly status: ClaimedStatus }
  | { readonly kind: 'unclaim'; readonly executionId: Uuid; readonly frozen: Frozen | null }
  | { readonly kind: 'order'; readonly action: 'upgrade' | 'rollback'; readonly operation: NewOperation }
  | {
      readonly kind: 'conclude'
      readonly executionId: Uuid
      readonly operationId: Uuid
      readonly verdict: Conclusion
    }
export type ReleaseCommand = CallerCommand | ExecutionCommand

export type NewOperation = Pick<Operation, 'id' | 'parentId' | 'request' | 'performedBy' | 'principalId' | 'reason'>
