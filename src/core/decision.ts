import type { DomainEvent } from './events.ts'
import type { Instant } from './instant.ts'
import type { Json, JsonObject } from './json.ts'
import type { ErrorCode } from './problems.ts'

/** Why something is not moving, and when it is looked at again. Shown to callers as `waitingFor`. */
export type Waiting = { readonly reason: string; readonly until: Instant | null; readonly detail?: string }

/** What was there before an act, committed with the attempt: after a crash, what is there now is held against it. */
export type Baseline = JsonObject

/**
 * How an attempt ended.
 * `done`: the act said so. `unchanged`: it failed and changed nothing in the cluster (a fact: the gateway counts).
 * `changed-and-failed`: it failed after a change. `interrupted`: its worker was lost; only an observation tells.
 */
export type AttemptResult = 'done' | 'unchanged' | 'changed-and-failed' | 'interrupted'

/**
 * Why an act failed. `detail` is safe to show; `evidence` may be read by the tenant only. `workerStopped`: it was ended because its
 * worker stopped, so it says nothing of the act itself.
 */
export type ActFailure = {
  readonly code: ErrorCode
  readonly detail: string
  readonly evidence?: Json
  readonly workerStopped?: true
}

/** The record of an act, committed before it. `result` is null while it runs. */
export type Attempt<A> = {
  readonly seq: number
  readonly act: A
  readonly baseline: Baseline
  readonly epoch: bigint
  readonly startedAt: Instant
  readonly deadline: Instant
  readonly endedAt: Instant | null
  readonly result: AttemptResult | null
  readonly failure: ActFailure | null
}

/** What may make a machine move: a command, an observation (with how the newest attempt ended), or time alone. */
export type Input<C, O, A> =
  | { readonly kind: 'command'; readonly command: C }
  | { readonly kind: 'observed'; readonly observation: O; readonly attempt: Attempt<A> | null }

/** An act to be carried out under the lease, with the baseline to remember and the moment it must have ended. */
export type PlannedAct<A> = { readonly act: A; readonly baseline: Baseline; readonly deadline: Instant }

/**
 * What a machine decides. `next` is committed in one transaction: state, attempt, events and the time to wake.
 * `wake: null` means that nothing is due until a command or a watch wakes the subject.
 */
export type Decision<S, A> =
  | {
      readonly kind: 'next'
      readonly state: S
      readonly act: PlannedAct<A> | null
      readonly events: readonly DomainEvent[]
      readonly wake: Instant | null
    }
  | { readonly kind: 'rejected'; readonly code: ErrorCode; readonly detail: string; readonly extra?: JsonObject }

/** A pure decision: the same state, input and moment always give the same answer. */
export type Decide<S, C, O, A> = (state: S, input: Input<C, O, A>, now: Instant) => Decision<S, A>
