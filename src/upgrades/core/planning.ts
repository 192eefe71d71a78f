import type { Attempt, PlannedAct, Waiting } from '../../core/decision.ts'
import { type Instant, seconds } from '../../core/instant.ts'
import type { ExecutionAct } from './model.ts'
import { waits } from './reasons.ts'

/** An act that is to be tried now, or what is waited for until it is tried again. */
export type Plan = { readonly act: PlannedAct<ExecutionAct> | null; readonly waitingFor: Waiting | null }

/** How long an act may take. */
const actLimitMs = seconds(60)
/** How long until an act that was done and does not show is done again, and one that failed is tried again. */
const showsAfterMs = seconds(5)
const retryMs = seconds(2)

/**
 * The act, unless the very same was just done and may show any moment, or just failed. One that is `urgent` was done and
 * is undone: that is seen, so nothing is left to show.
 */
export function planned(
  { act, urgent = false }: { readonly act: ExecutionAct; readonly urgent?: boolean },
  attempt: Attempt<ExecutionAct> | null,
  now: Instant,
): Plan {
  const again = attempt !== null && sameJson(attempt.act, act) ? attempt : null
  const endedAt = again?.endedAt ?? null
  if (!urgent && again !== null && endedAt !== null && again.result === 'done' && now < endedAt + showsAfterMs) {
    return { act: null, waitingFor: null }
  }
  const failed = failedBefore(act, attempt)
  if (failed !== null && endedAt !== null && now < endedAt + retryMs) {
    const detail = whyFailed(failed)
    return { act: null, waitingFor: { reason: waits.act, until: endedAt + retryMs, detail } }
  }
  return { act: { act, baseline: {}, deadline: now + actLimitMs }, waitingFor: null }
}

/** The newest attempt when that failed; else null. */
export function failedOf(attempt: Attempt<ExecutionAct> | null): Attempt<ExecutionAct> | null {
  const failed = attempt?.result === 'unchanged' || attempt?.result === 'changed-and-failed'
  return failed && attempt.endedAt !== null ? attempt : null
}

/** The newest attempt when that is of the very same act, and failed; else null. */
export function failedBefore(act: ExecutionAct, attempt: Attempt<ExecutionAct> | null): Attempt<ExecutionAct> | null {
  const failed = failedOf(attempt)
  return failed !== null && sameJson(failed.act, act) ? failed : null
}

/** True when something has failed so lately that it is not to be tried again yet: then nothing that can wait is tried. */
export function hasJustFailed(attempt: Attempt<ExecutionAct> | null, now: Instant): boolean {
  const endedAt = failedOf(attempt)?.endedAt ?? null
  return endedAt !== null && now < endedAt + retryMs
}

/** Why an attempt failed, in words. */
export const whyFailed = ({ act, failure }: Attempt<ExecutionAct>): string => failure?.detail ?? `${act.kind} failed`

/** True when two acts say the same, whatever the order of their fields: the database keeps its own. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length || Array.isArray(a) !== Array.isArray(b)) return false
  return keys.every((key) => sameJson((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
}
