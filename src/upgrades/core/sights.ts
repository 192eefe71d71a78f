import type { Instant } from '../../core/instant.ts'
import type { ErrorCode } from '../../core/problems.ts'
import type { Uuid } from '../../core/subject.ts'
import type { ChangePlan, Check, PodRef, Side, Warning } from './model.ts'

// What is seen of a fleet and its releases, and what may be done to them: the words between the machine and its drivers.

/** One pod (or release) of the fleet, as it is now. */
export type Member = {
  readonly pod: PodRef
  readonly key: string | null
  readonly side: Side
  /** Which version it is of, where that is known and its side does not tell it. */
  readonly version?: string
  readonly ready: boolean
  /** Since when it is ready, to the second and by the cluster's clock, where the cluster says so. */
  readonly readySince?: Instant
  /** It is on its way out: it takes no place any more. */
  readonly terminating: boolean
  /** When its grace period ends, of one that is on its way out. */
  readonly goneBy?: Instant
  /** Why it is not ready, in words without values. */
  readonly problem: string | null
}

/**
 * What the gate in the cluster lets happen.
 * `none`: no gate of ours, the originals are there. `closed`: nothing moves whatever helm applies. `admitting`: so many
 * instances may be on the target version (once helm has gone back, on the previous one), so many may run beyond the wanted
 * number; where it `rests` they are all there, and it is shut until more are let go. `halted`: nothing moves, our fields
 * are withdrawn so that helm can go back. `reverting`: whatever is not on the previous version goes back, within the
 * budget; where it `rests` nobody does, because a disruption budget lets nobody go. `frozen`: as it was left, with the note for people on the workload.
 */
export type GatePosition =
  | { readonly kind: 'none' | 'closed' | 'halted' | 'frozen' }
  | { readonly kind: 'admitting'; readonly upTo: number; readonly surge: number; readonly rests?: boolean }
  | { readonly kind: 'reverting'; readonly unavailable: number; readonly surge: number; readonly rests?: boolean }

/** How a child operation of the execution on a release stands. `until`: when helm has run out of time; `awaits`: what it is at, in words, such as a hook. `held`: helm has applied, and it waits for our verdict. */
export type ChildSight =
  | { readonly kind: 'absent' }
  | { readonly kind: 'running'; readonly until?: Instant | null; readonly awaits?: string | null }
  | { readonly kind: 'held' }
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly detail: string }

/** A claimed release: its newest revision and our operations on it. */
export type ReleaseSight = {
  readonly releaseId: Uuid
  readonly exists: boolean
  readonly revision: number
  readonly secretUid: string | null
  /** Which of our operations made that revision, `operation`: another one of Flotilla's; null: none of them. */
  readonly madeBy: 'deploy' | 'undo' | 'operation' | null
  /** How that revision stands, where it is neither deployed nor uninstalled. Absent: it is. */
  readonly stands?: 'pending' | 'failed'
  readonly deploy: ChildSight
  readonly undo: ChildSight
}

/** A place that the fleet names before there is a pod in it: an ordinal. */
export type NamedPlace = {
  readonly key: string
  /** How its pod is called. */
  readonly name: string
  /** The pod that has to be ready before its controller makes this one; null where none has. */
  readonly after: string | null
}

/** A workload's pod template: `mark` tells it from any other, `hash` is what its pods carry; null until the controller tells. */
export type PodTemplate = { readonly mark: string; readonly hash: string | null }

/**
 * What is seen of the fleet. `gone`: workload, release or namespace are not there any more (confirmed). `left`: something of ours
 * is still to be taken off, of a workload that has come in its place with our note, or of Services that are pinned to its pods.
 */
export type FleetSight =
  | { readonly kind: 'gone'; readonly why: string; readonly left?: boolean }
  | {
      readonly kind: 'present'
      /** How many instances are wanted now (replicas, nodes, releases). */
      readonly wanted: number
      /**
       * The places that are wanted, ordinals rising, where the fleet names them beforehand (a StatefulSet). Null where a
       * place is known by its pod only.
       */
      readonly places: readonly NamedPlace[] | null
      readonly members: readonly Member[]
      readonly gate: GatePosition
      /** What is to hold the instances is not there: another hand has opened the gate. */
      readonly opened?: boolean
      /** Which side the workload's present pod template is; null where there is none, or its controller has not seen it. */
      readonly template: Side | null
      /** That template itself. Absent where there is none. */
      readonly podTemplate?: PodTemplate
      /** To which side traffic is pinned; null: no pin. `endpoints`: ready ones that the pin matches. */
      readonly pin: { readonly to: Side; readonly endpoints: number } | null
      /** By pod UID: the health endpoint answered well or not. Only pods that were asked. */
      readonly probes: Readonly<Record<string, 'good' | 'bad'>>
      /** By pod UID: why an eviction is refused now (a disruption budget). Only pods that are about to go. */
      readonly refusals: Readonly<Record<string, string>>
      /** What the disruption budgets of a fleet leave whose controller takes its pods itself, on the way back. Absent: none holds it. */
      readonly disruptions?: Disruptions | null
      readonly others: Others
      /** Why the fleet's controller makes no pod that it wants: a quota, admission. Null where it makes them, or has not said. */
      readonly whyNoPods: string | null
      /**
       * For how many seconds a pod has to be ready before the controller goes on, as the workload says now. Absent: 0, or it is our
       * gate that says so.
       */
      readonly minReadySeconds?: number
    }

/**
 * How many more of a fleet's ready pods its disruption budgets let become unready, as things are now: less than 0 where so many
 * have to become ready first. `why`: the budget that leaves least, in words.
 */
export type Disruptions = { readonly left: number; readonly why: string }

/**
 * The other workloads of the release: all on their wanted version and ready, or who is not. `uniform`: each has pods of
 * its present template only, so that without a gate none would move. `left`: pods of another template whose controller
 * waits until somebody deletes them, as the chart says.
 */
export type Others = {
  readonly settled: boolean
  readonly uniform: boolean
  readonly blockers: readonly string[]
  readonly left?: readonly PodRef[]
  readonly progress?: number
  /** What tells their present pod templates from any other. Absent: there are none. */
  readonly mark?: string
}

/** A look at everything that an execution depends on. `unreadable` is never taken for gone. */
export type ExecutionObservation =
  | { readonly kind: 'unreadable'; readonly why: string }
  | {
      readonly kind: 'seen'
      readonly releases: readonly ReleaseSight[]
      /** Null in PENDING and where the status needs no look. */
      readonly fleet: FleetSight | null
      /** The results of the checks, in VALIDATING and `verifying` only. */
      readonly checks: CheckReport | null
    }

/** What the checks found. `refusal`: the target cannot be rendered or held; it ends the execution FAILED. */
export type CheckReport = {
  readonly checks: readonly Check[]
  readonly warnings: readonly Warning[]
  readonly change: ChangePlan | null
  readonly refusal: { readonly code: ErrorCode; readonly detail: string } | null
}

/** What may be done to a cluster or a release for an execution. All are repeatable: they bring a wanted thing about. */
export type ExecutionAct =
  /** `take`: the pods of the previous version that may go, chosen and asked about beforehand. */
  | { readonly kind: 'gate'; readonly position: GatePosition; readonly take: readonly PodRef[] }
  | { readonly kind: 'pin'; readonly to: 'previous' | 'target' | null }
  /** Gives the upgrade to the target version to these releases, as operations that wait for a verdict. */
  | { readonly kind: 'deploy'; readonly releaseIds: readonly Uuid[] }
  /** Ends the waiting operations of these releases: `ready` makes them succeed, else they fail and are settled in Helm. */
  | {
      readonly kind: 'conclude'
      readonly which: 'deploy' | 'undo'
      readonly releaseIds: readonly Uuid[]
      readonly verdict: Verdict
    }
  /** Gives the rollback to the revision of before to these releases, as operations that wait for a verdict. */
  | { readonly kind: 'undo'; readonly releaseIds: readonly Uuid[] }
  | { readonly kind: 'removePods'; readonly pods: readonly PodRef[] }
export type Verdict =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly detail: string }
