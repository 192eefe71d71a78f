import type { Waiting } from '../../core/decision.ts'
import { type Instant, seconds } from '../../core/instant.ts'
import type { Release, ReleaseStatus } from './model.ts'

/** A look at Helm's records has ended by then: a cluster that does not answer is given up on. */
const longestLookMs = seconds(10)

/** What is waited for until the next look, which is due now. On a cluster that is silent the look itself takes its time. */
export function untilLookedAt(reason: string, now: Instant): Waiting {
  return { reason, until: now + longestLookMs }
}

/** What an operation waits for that is accepted. */
export const untilBegun = (reason: 'QUEUED' | 'UNINSTALLING'): Waiting => unbegun({ reason, until: null })

/**
 * What an operation waits for that has not begun. How many others come before it on the workers that there are nobody can tell in
 * time: a moment would be a guess, and would have passed in a long queue (docs/adr/0013).
 */
export function unbegun({ reason, detail }: Waiting): Waiting {
  return { reason, until: null, detail: detail === undefined ? notBegun : `${detail}; ${notBegun}` }
}
const notBegun =
  'no worker has begun it yet: a worker is at a few operations at once, at most half of them of one tenant'

/** The status that callers see: that of the claim while an execution holds the release, unless it is gone. */
export function shownStatus({ status, claim }: Pick<Release, 'status' | 'claim'>): ReleaseStatus {
  return claim === null || status === 'UNINSTALLED' ? status : claim.shown
}

/** What a release without an open operation waits for: its execution, or nothing. */
export function waitAtRest({ claim }: Pick<Release, 'claim'>): Waiting | null {
  return claim === null ? null : { reason: 'UPGRADE_EXECUTION', until: null }
}
