import type { Instant } from '../../core/instant.ts'

/** A moment as answers carry it: RFC 3339, UTC. */
export function rfc3339(at: Instant | Date): string
export function rfc3339(at: Instant | Date | null): string | null
export function rfc3339(at: Instant | Date | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
