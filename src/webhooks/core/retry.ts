import { type Instant, minutes, seconds } from '../../core/instant.ts'
import { pauseAfter as doubled } from '../../core/pauses.ts'
import type { Delivery, Sent } from './model.ts'

/** How often and when a delivery is tried. */
export type RetryPolicy = {
  readonly firstMs: number
  readonly longestMs: number
  /** So many tries in all; then it has failed, and can be redelivered by hand. */
  readonly attempts: number
  /** Past this age a try that fails is the last: what waited behind others is given up with them. */
  readonly longestAgeMs: number
  /** How long a receiver that failed is left alone, at least and at most. */
  readonly pause: { readonly firstMs: number; readonly longestMs: number }
}

/** After 5 s, 10 s, 20 s and so on, at most an hour: given up some 6 hours after the event. */
export const retryPolicy: RetryPolicy = {
  firstMs: seconds(5),
  longestMs: minutes(60),
  attempts: 16,
  longestAgeMs: minutes(12 * 60),
  pause: { firstMs: seconds(1), longestMs: minutes(1) },
}

/**
 * Until when a receiver is left alone after a failure: a quarter of the time for which it has been failing. Without it
 * thousands of deliveries, each with pauses of its own, would keep trying one that is down.
 */
export function pausedAfter({ pause }: RetryPolicy, failingSince: Instant, now: Instant): Instant {
  return now + Math.min(Math.max((now - failingSince) / 4, pause.firstMs), pause.longestMs)
}

/**
 * How long to wait after so many tries: twice as long each time, and between half and the whole of it by `chance` (0 to
 * 1), so that what failed together does not come back together.
 */
export function pauseAfter(policy: RetryPolicy, attempts: number, chance: number): number {
  const whole = doubled(policy, attempts)
  return Math.round(whole * (0.5 + chance / 2))
}

/** Only a 2xx is a success: a redirect is not followed, and so has reached nobody. */
export const isDelivered = (sent: Sent): boolean => sent.kind === 'answered' && sent.status >= 200 && sent.status < 300

type Changed = Pick<Delivery, 'status' | 'attempts' | 'dueAt' | 'lastStatus' | 'lastError' | 'endedAt'>

/** What a delivery is after one more try. */
export function afterTry(
  { attempts: before, createdAt }: Pick<Delivery, 'attempts' | 'createdAt'>,
  sent: Sent,
  at: { readonly now: Instant; readonly chance: number },
  policy: RetryPolicy,
): Changed {
  const attempts = before + 1
  const told = {
    attempts,
    lastStatus: sent.kind === 'answered' ? sent.status : null,
    lastError: isDelivered(sent) ? null : whyNot(sent),
  }
  if (isDelivered(sent)) return { ...told, status: 'DELIVERED', dueAt: null, endedAt: at.now }
  const tooOld = at.now - createdAt > policy.longestAgeMs
  if (attempts >= policy.attempts || tooOld) return { ...told, status: 'FAILED', dueAt: null, endedAt: at.now }
  return { ...told, status: 'PENDING', dueAt: at.now + pauseAfter(policy, attempts, at.chance), endedAt: null }
}

function whyNot(sent: Sent): string {
  if (sent.kind === 'unanswered') return sent.why
  return sent.status >= 300 && sent.status < 400 ? 'redirects are not followed' : `answered ${sent.status}`
}
