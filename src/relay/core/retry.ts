import { type Instant, seconds } from '../../core/instant.ts'

/** How long a topic is left alone after a failure, at first and at most. */
export type RetryPauses = { readonly firstMs: number; readonly longestMs: number }

export const retryPauses: RetryPauses = { firstMs: seconds(1), longestMs: seconds(30) }

/** When a topic is tried again after so many failures in a row: each pause is twice the one before. */
export function retryAt({ firstMs, longestMs }: RetryPauses, failures: number, now: Instant): Instant {
  return now + Math.min(firstMs * 2 ** Math.min(failures - 1, 20), longestMs)
}
