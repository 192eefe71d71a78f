import type { Attempt, Waiting } from '../../../core/decision.ts'
import { type Instant, seconds } from '../../../core/instant.ts'
import type { CheckReport, Execution, ExecutionAct, ReleaseSight, Stage } from '../model.ts'
import type { Fleet, Members } from '../slots.ts'
import { timeLimit } from '../stopping.ts'
import { enter } from '../turns.ts'

/** Everything that a stage decides from. */
export type Look = {
  /** With the instances bound and judged by what was seen. */
  readonly execution: Execution
  /** As it was when the look was made: only what was chosen then has been asked about. */
  readonly before: Execution
  readonly fleet: Fleet
  readonly members: Members
  readonly releases: ReadonlyMap<string, ReleaseSight>
  readonly checks: CheckReport | null
  readonly attempt: Attempt<ExecutionAct> | null
  readonly now: Instant
}

/**
 * What a stage comes to. `wait`: nothing is to be done until then, or until something else is seen; looked at by
 * `lookBy` at the latest, which is remembered where `isLimit` says that what is waited for has until then and no longer. `act`: this is to be brought about; `urgent`: whatever was done before, it is seen that it is
 * not so. `go`: the next stage decides from the same look.
 */
export type Step =
  | {
      readonly kind: 'wait'
      readonly execution: Execution
      readonly waitingFor: Waiting
      readonly lookBy?: Instant
      readonly isLimit?: boolean
    }
  | {
      readonly kind: 'act'
      readonly execution: Execution
      readonly act: ExecutionAct
      readonly reason: string
      /** What else is to be said of it while it is brought about. */
      readonly meanwhile?: Meanwhile
      readonly urgent?: boolean
    }
  | { readonly kind: 'go'; readonly execution: Execution }
  | { readonly kind: 'end'; readonly execution: Execution }
/** What is said while an act is brought about that takes its time, and until when it has that. */
export type Meanwhile = { readonly until: Instant; readonly detail: string }
export type StageHandler = (look: Look) => Step

/** Nothing is to be done: what is waited for, and when it is looked at again. */
export function wait(execution: Execution, reason: string, until: Instant, detail = ''): Step {
  return { kind: 'wait', execution, waitingFor: detail === '' ? { reason, until } : { reason, until, detail } }
}

/** Nothing is to be done: what is waited for, until when that has to be so, and when it is looked at again. */
export function waitUntil(
  execution: Execution,
  reason: string,
  { until, lookBy }: { readonly until: Instant; readonly lookBy: Instant },
  detail: string,
): Step {
  return { kind: 'wait', execution, waitingFor: { reason, until, detail }, lookBy, isLimit: true }
}

/** This is to be brought about; `reason` is what is waited for meanwhile. */
export function act(
  execution: Execution,
  what: ExecutionAct,
  reason: string,
  meanwhile: Meanwhile | null = null,
): Step {
  return { kind: 'act', execution, act: what, reason, ...(meanwhile === null ? {} : { meanwhile }) }
}

/** Goes on with what the execution has become, from the same look. */
export function go(execution: Execution): Step {
  return { kind: 'go', execution }
}

/** The next stage, from the same look. */
export function goTo({ now }: Look, execution: Execution, stage: Stage): Step {
  return go(enter(execution, stage, now))
}

/** How soon something that should be there any moment is looked at again. */
export function soon({ now }: Pick<Look, 'now'>): Instant {
  return now + seconds(1)
}

/** The regular look. */
export function atInterval({ now }: Pick<Look, 'now'>, { spec }: Execution): Instant {
  return now + seconds(spec.healthCheckIntervalSeconds)
}

/** When the time of a stage is over that has a set one. */
export function stageEnds(execution: Execution): Instant {
  return timeLimit(execution, execution.stageSince)
}
