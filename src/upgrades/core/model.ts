import type { Waiting } from '../../core/decision.ts'
import type { Instant } from '../../core/instant.ts'
import type { Json } from '../../core/json.ts'
import type { ErrorCode } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import type { StatusReason } from './reasons.ts'
import type { PodTemplate } from './sights.ts'

export type * from './sights.ts'

/** `seeds/004`, "Execution Status Lifecycle". */
export const executionStatuses = [
  'PENDING',
  'VALIDATING',
  'IN_PROGRESS',
  'CANARY_RUNNING',
  'CANARY_MONITORING',
  'PAUSED',
  'ROLLING_BACK',
  'ROLLED_BACK',
  'COMPLETED',
  'FAILED',
  'CANCELLED',
] as const
export type ExecutionStatus = (typeof executionStatuses)[number]

/** `seeds/004`, "Upgrade Strategies". */
export const strategies = ['ROLLING', 'CANARY', 'BLUE_GREEN', 'RECREATE', 'STAGED'] as const
export type Strategy = (typeof strategies)[number]

/** `seeds/004`, "Instance Upgrade Lifecycle". */
export const instanceStatuses = [
  'PENDING',
  'DRAINING',
  'UPGRADING',
  'HEALTH_CHECKING',
  'COMPLETED',
  'FAILED',
  'ROLLED_BACK',
] as const
export type InstanceStatus = (typeof instanceStatuses)[number]

/** What is asked for, with the defaults of `seeds/004` filled in. Times in seconds, as in the document. */
export type UpgradeSpec = {
  readonly strategy: Strategy
  readonly canaryPercentage: number
  readonly batchSize: number
  readonly batchDelaySeconds: number
  readonly healthCheckIntervalSeconds: number
  readonly healthCheckTimeoutSeconds: number
  readonly maxUnavailablePercentage: number
  readonly autoRollbackEnabled: boolean
  readonly failureThreshold: number
}

/** One end of an upgrade: a version of the component, and the chart version that it stands for. */
export type VersionRef = { readonly id: Uuid; readonly version: string; readonly chartVersion: string }

/** The workload kinds whose pods can be instances. */
export const workloadKinds = ['Deployment', 'StatefulSet', 'DaemonSet'] as const
export type WorkloadKind = (typeof workloadKinds)[number]
export type WorkloadRef = { readonly kind: WorkloadKind; readonly name: string }

/** What is upgraded (SPEC section 5, "What is upgraded"). */
export type Target =
  | { readonly kind: 'workload'; readonly releaseId: Uuid; readonly workload: WorkloadRef }
  | { readonly kind: 'releases'; readonly releaseIds: readonly Uuid[] }
  | { readonly kind: 'rehearsal'; readonly faults: RehearsalFaults }

/** What goes wrong in a rehearsal, by the index of the instance (0 is the first). All optional, none by default. */
export type RehearsalFaults = {
  /** Never become ready on the target version. */
  readonly neverReady?: readonly number[]
  /** Become ready on the target version, and turn bad so many seconds later. */
  readonly turnsBad?: readonly { readonly index: number; readonly afterSeconds: number }[]
  /** Their budget never lets them go. */
  readonly neverDrains?: readonly number[]
  /** Are not ready before anything is touched. */
  readonly unreadyBefore?: readonly number[]
  /** Never become ready again on the previous version, once they have left it. */
  readonly neverReverts?: readonly number[]
  readonly deployFails?: boolean
  /** Seconds that an instance takes to become ready; 2 by default. */
  readonly readySeconds?: number
}

/** What a driver can do with the target. Fixed when the execution is made; the strategies ask it, never the kind. */
export type Capabilities = {
  /**
   * How instances are held. `gate`: one helm upgrade, then a gate lets so many move. `each`: every instance is a release
   * and is upgraded by itself. `none`: they cannot be held, so only RECREATE is possible.
   */
  readonly hold: 'gate' | 'each' | 'none'
  /** A new instance can run beside the one that it replaces. */
  readonly surge: boolean
  /** Instances move in one order only (highest ordinal first): none is skipped. */
  readonly ordered: boolean
  /** Traffic can be pinned to one side: what BLUE_GREEN needs. */
  readonly pin: boolean
}

/** On which version an instance or pod runs. `other`: neither (another hand's, or a revision in between). */
export type Side = 'previous' | 'target' | 'other'

export type PodRef = { readonly name: string; readonly uid: string }

/** One place of the fleet; pods come and go in it. Its id is made of the execution's and the index, see `instanceId`. */
export type Instance = {
  readonly id: Uuid
  readonly index: number
  /** What the place is bound to: a StatefulSet's ordinal, a DaemonSet's node, a release's id. Null: any pod may take it. */
  readonly key: string | null
  readonly origin: 'TARGET' | 'CLUSTER'
  readonly status: InstanceStatus
  /** The side that it runs on now; null while nothing runs in it. */
  readonly side: Side | null
  /** The version of what runs in it alone, where the side does not tell it and it is known. */
  readonly version: string | null
  readonly pod: PodRef | null
  /** The pod of the target version that runs beside `pod`, where the workload surges. */
  readonly nextPod: PodRef | null
  /** Its new pod comes beside the old one, and the old one is not let go yet. */
  readonly surge: boolean
  readonly previousPods: readonly PodRef[]
  /** A former pod that has been told to go and is still there (`leaving.ts`). Absent: none. */
  readonly leaving?: Leaving | null
  /** The extension that it has had of the present time limit. Absent: none. */
  readonly extension?: Extension | null
  /** In an ordered fleet: it waits behind another, or its turn has come since it was let go (`order.ts`). Absent: neither. */
  readonly turn?: 'awaited' | 'come' | null
  readonly ready: boolean
  /** It moved without being let go (`ahead.ts`). Absent: it did not. */
  readonly ahead?: boolean
  readonly unchanged: boolean
  readonly message: string | null
  readonly health: HealthStreak
  /** When it was chosen, let go or had its turn, from which its time limit counts, and when its new pod was up. */
  readonly startedAt: Instant | null
  readonly upAt: Instant | null
  readonly endedAt: Instant | null
}

/**
 * `until`: when its grace period ends. `extends`: the time limit is extended for it. `holds`: that of its instance is too,
 * because there is no pod of the target version yet, and none may come before.
 */
export type Leaving = {
  readonly pod: PodRef
  readonly until: Instant
  readonly extends: boolean
  readonly holds: boolean
}

/** For which former pod a limit is extended, which `stage` names (`moving`: the instance's own). `over`: it has gone. */
export type Extension = { readonly uid: string; readonly stage: Stage; readonly over: boolean }

/** Health checks in a row. `badSince` is when the first of the present bad ones was seen. */
export type HealthStreak = {
  readonly good: number
  readonly bad: number
  readonly badSince: Instant | null
  readonly checkedAt: Instant | null
}

export const checkNames = ['VERSION_PATH', 'RESOURCES', 'BACKUP', 'HEALTH_ENDPOINTS', 'DEPENDENCIES'] as const
export const postCheckNames = ['VERSION', 'READY', 'HEALTH'] as const
export type CheckName = (typeof checkNames)[number] | (typeof postCheckNames)[number]
export type Check = {
  readonly name: CheckName
  readonly phase: 'PRE' | 'POST'
  readonly status: 'PENDING' | 'PASSED' | 'FAILED' | 'WARNING' | 'OVERRIDDEN'
  readonly message: string
  readonly evidence: Json
}
export type CheckOverride = { readonly check: CheckName; readonly reason: string }
export type Warning = { readonly code: string; readonly message: string }

/** What rendering the target showed, decided in VALIDATING: what moves, and what else changes at once. */
export type ChangePlan = {
  /** The pods of the target change. False: no gate, nothing moves, helm still runs. */
  readonly podsChange: boolean
  /** Other workloads of the release whose pods change: gated too, moved after the last batch. */
  readonly others: readonly WorkloadRef[]
  /** How many instances may run beyond the wanted number at once (pre-check 2). 0: no surge. */
  readonly surgeRoom: number
  /**
   * Of which version the pods of the target's template are before helm runs, where an upgrade has failed: `to`, it has
   * applied the target already, so that pods on it are there or start; `from`, it has applied nothing; `newest`, as Helm's
   * newest revision says. Absent: `newest`.
   */
  readonly template?: 'newest' | 'from' | 'to'
}

/**
 * Where the work stands within a status; each has one thing to bring about, seen by looking, so a crash loses nothing.
 * Forward: checking → closing → deploying → (pinning) → moving → (switching → watching) → opening → verifying →
 * concluding. Back: repinning → halting → undoing → reverting → restoring. At the end of either: releasing.
 */
export const stages = [
  'checking',
  'closing',
  'deploying',
  'pinning',
  'moving',
  'switching',
  'watching',
  'opening',
  'verifying',
  'concluding',
  'repinning',
  'halting',
  'undoing',
  'reverting',
  'restoring',
  'releasing',
  'done',
] as const
export type Stage = (typeof stages)[number]

/** Which terminal status an execution is on its way to, while it is being put in order (`waitingFor` says so). */
export type Ending = {
  readonly to: 'COMPLETED' | 'ROLLED_BACK' | 'FAILED' | 'CANCELLED'
  /** What `statusReason` says. */
  readonly reason: StatusReason | null
  readonly code: ErrorCode | null
  readonly by: string
  /** The words of who asked for it, or why it came to that. */
  readonly note: string | null
  /** Instances in flight are not waited for. */
  readonly immediate: boolean
}

/** `seeds/004`, "RollbackInfo Structure". Times become text at the edge. */
export type RollbackInfo = {
  readonly currentFailures: number
  readonly rollbackReason: string | null
  readonly rollbackInitiatedAt: Instant | null
  readonly rollbackInitiatedBy: string | null
  readonly rolledBackInstances: readonly Uuid[]
}

export type Transition = {
  readonly from: ExecutionStatus
  readonly to: ExecutionStatus
  readonly at: Instant
  readonly by: string
  readonly reason: string | null
}
export type Approval = {
  readonly by: string
  readonly at: Instant
  readonly batch: number
  readonly reason: string | null
}

/** A release that the execution claims (in a rehearsal: a simulated one), with the operations that it will give to it: ids fixed, so that starting is repeatable. */
export type ClaimedRelease = {
  readonly releaseId: Uuid
  readonly deployId: Uuid
  readonly undoId: Uuid
  /** What was there when the execution began: another revision than this or ours is another hand's. */
  readonly revision: number
  readonly secretUid: string | null
}

/** Everything that a decision about an execution is made of. */
export type Execution = {
  readonly id: Uuid
  readonly tenantId: Uuid
  readonly componentId: Uuid
  readonly from: VersionRef
  readonly to: VersionRef
  readonly spec: UpgradeSpec
  readonly target: Target
  readonly capabilities: Capabilities
  /** No health endpoint: readiness decides. */
  readonly healthEndpoint: { readonly path: string; readonly port: number } | null
  readonly overrides: readonly CheckOverride[]
  readonly installedComponents: Readonly<Record<string, string>> | null
  /** What initiate found, or what a rehearsal was asked for. */
  readonly totalInstances: number
  readonly status: ExecutionStatus
  readonly statusReason: StatusReason | null
  readonly stage: Stage
  readonly ending: Ending | null
  readonly pausedFrom: 'IN_PROGRESS' | 'CANARY_RUNNING' | null
  readonly waitingFor: Waiting | null
  /** Since when the cluster cannot be read: that time is on nobody's account. */
  readonly blindSince: Instant | null
  /** Since when it has no instance, while that stands in the way (`empty.ts`). Absent: it has. */
  readonly emptySince?: Instant | null
  /** The pod template as it was when helm's apply was seen: the target version's. Absent: helm has not run, or it has none. */
  readonly applied?: PodTemplate | null
  /**
   * What tells the pod templates of all that is held, as helm has left them for this execution last (`templatesOf`). Absent: it has
   * not run, or is at work.
   */
  readonly templates?: string | null
  /** Since when another hand's template stands in the way (`edited.ts`). Absent: none does. */
  readonly editedSince?: Instant | null
  /** When it is looked at again, where `waitingFor` tells a later moment. Absent: then. */
  readonly nextLookAt?: Instant | null
  /** Since when the act that is to be brought about is refused, each time. */
  readonly refusedSince: Instant | null
  /** Since when nothing is in flight and unready instances use up the budget. Absent: they do not. */
  readonly starvedSince?: Instant | null
  /** What is there now; budgets follow it. */
  readonly currentInstances: number
  /** For how many seconds a pod has to be ready before the controller goes on, as was seen last. Absent: 0. */
  readonly minReadySeconds?: number
  readonly currentBatch: number
  /** When the current batch was chosen; null: none was, or it was taken back before anything of it was let go. */
  readonly batchSince: Instant | null
  /** How many more of the current batch are to be chosen: a batch larger than the room moves in parts. */
  readonly batchLeft: number
  /** How many instances the present gate lets be on the target version: K. */
  readonly admitted: number
  /** The next batch is not begun before: the delay between batches. */
  readonly nextBatchAt: Instant | null
  /** When the present stage began, for stages that take a set time. */
  readonly stageSince: Instant
  /** How far the other workloads of the release were at most in the present stage, where it waits for them. Absent: not seen. */
  readonly othersProgress?: number | null
  /** How many of its instances were at most as the present stage wants them, where it waits for them. Absent: not seen. */
  readonly instancesProgress?: number | null
  readonly change: ChangePlan | null
  readonly instances: readonly Instance[]
  readonly checks: readonly Check[]
  readonly warnings: readonly Warning[]
  readonly rollbackInfo: RollbackInfo
  readonly transitions: readonly Transition[]
  readonly approvals: readonly Approval[]
  readonly claims: readonly ClaimedRelease[]
  /** True from VALIDATING until the end: the releases are claimed. Saved with the claim, in one transaction. */
  readonly claiming: boolean
  /** Helm has run, or may have: ending before that leaves everything as it was. */
  readonly deployed: boolean
  /** An execution before has left the fleet frozen: ended before helm ran, this one leaves it so again. */
  readonly takesOver: boolean
  /** It ended and left the fleet as it was: the gate stays until something takes it over. */
  readonly frozen: boolean
  /** What ran then: pods by their version. Null where it left nothing frozen. */
  readonly frozenVersions: Readonly<Record<string, number>> | null
  readonly promotedBy: string | null
  readonly initiatedBy: string
  readonly principalId: string
  readonly label: string | null
  readonly reason: string | null
  readonly seq: bigint
  readonly version: number
  readonly createdAt: Instant
  readonly startedAt: Instant | null
  readonly endedAt: Instant | null
}

/** Commands (SPEC section 5, "Status x command"). `by` is how the caller is shown. */
export const commandKinds = ['start', 'pause', 'resume', 'promote', 'rollback', 'cancel'] as const
export type CommandKind = (typeof commandKinds)[number]
export type ExecutionCommand =
  | { readonly kind: Exclude<CommandKind, 'cancel' | 'start'>; readonly by: string; readonly reason: string | null }
  /** `claims`, `takesOver`: what the releases are at now; initiate may be a day ago. Absent: as initiate found them. */
  | {
      readonly kind: 'start'
      readonly by: string
      readonly reason: string | null
      readonly claims?: readonly ClaimedRelease[]
      readonly takesOver?: boolean
    }
  | { readonly kind: 'cancel'; readonly by: string; readonly reason: string | null; readonly immediate: boolean }

export const terminalStatuses = ['ROLLED_BACK', 'COMPLETED', 'FAILED', 'CANCELLED'] as const

/** True once nothing happens any more. */
export function isTerminal(status: ExecutionStatus): status is (typeof terminalStatuses)[number] {
  return (terminalStatuses as readonly ExecutionStatus[]).includes(status)
}

/** The id of an instance: the first 24 characters of its execution's id, and its index. */
export function instanceId(executionId: Uuid, index: number): Uuid {
  return `${executionId.slice(0, 24)}${index.toString(16).padStart(12, '0')}`
}
