import type { Waiting } from '../../core/decision.ts'
import type { Release, ReleaseStatus } from './model.ts'

/** The status that callers see: that of the claim while an execution holds the release, unless it is gone. */
export function shownStatus({ status, claim }: Pick<Release, 'status' | 'claim'>): ReleaseStatus {
  return claim === null || status === 'UNINSTALLED' ? status : claim.shown
}

/** What a release without an open operation waits for: its execution, or nothing. */
export function waitAtRest({ claim }: Pick<Release, 'claim'>): Waiting | null {
  return claim === null ? null : { reason: 'UPGRADE_EXECUTION', until: null }
}
