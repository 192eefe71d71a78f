import { pauseAfter } from '../../core/pauses.ts'
import type { Subject } from '../../core/subject.ts'

/** Counts the failures in a row of each subject, and says how long to leave it alone. */
export type Backoff = {
  /** Milliseconds until the next try: 1 s, doubled with each failure in a row, at most a minute. */
  failed(subject: Subject): number
  succeeded(subject: Subject): void
}

const firstMs = 1_000
const longestMs = 60_000

/** Forgets everything with the process: another worker begins with short pauses, and that does no harm. */
export function createBackoff(first = firstMs): Backoff {
  const failures = new Map<string, number>()
  const keyOf = (subject: Subject) => `${subject.kind}:${subject.id}`
  return {
    failed(subject) {
      const count = (failures.get(keyOf(subject)) ?? 0) + 1
      failures.set(keyOf(subject), count)
      return pauseAfter({ firstMs: first, longestMs }, count)
    },
    succeeded: (subject) => void failures.delete(keyOf(subject)),
  }
}
