/** A moment: whole milliseconds since the Unix epoch, UTC. Text (RFC 3339) is made of it only at the edge. */
export type Instant = number

/** Source of time and waiting. The real one lives in `infra/clock.ts`; tests use a virtual one. */
export interface Clock {
  now(): Instant
  /** Resolves after `ms` milliseconds, or at once when `signal` is aborted. Never rejects. */
  sleep(ms: number, signal?: AbortSignalLike): Promise<void>
}

/** The part of an AbortSignal that core may know about, without the DOM types. */
export interface AbortSignalLike {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

export const seconds = (n: number): number => n * 1000
export const minutes = (n: number): number => n * 60_000

/** The last of moments; null where one of them is not known. There is at least one. */
export const lastOf = (moments: readonly (Instant | null)[]): Instant | null =>
  moments.reduce((last, moment) => (last === null || moment === null ? null : Math.max(last, moment)))
