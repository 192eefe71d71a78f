import type { Decide } from '../../core/decision.ts'
import { type Instant, seconds } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'

/**
 * A topic as the engine works on it. `position` is the place in the feed of the last event that the broker has taken;
 * `retryAt` is set while it does not take any.
 */
export type Relay = {
  readonly id: Uuid
  readonly position: number
  readonly failures: number
  readonly retryAt: Instant | null
}
/** Sends what the topic has not had, in order, and notes how far it came. */
export type RelayAct = { readonly kind: 'publish' }
export type RelayObservation = { readonly isBehind: boolean }

/** One act sends page after page for so long at most; then the slot and the lease are given back. */
export const actMs = seconds(20)
const deadlineMs = actMs + seconds(20)

/** Publishes while there is something to publish; after a failure not before `retryAt`. */
export const decideRelay: Decide<Relay, never, RelayObservation, RelayAct> = (state, input, now) => {
  const rest = { kind: 'next', state, events: [] } as const
  if (state.retryAt !== null && state.retryAt > now) return { ...rest, act: null, wake: state.retryAt }
  const isBehind = input.kind === 'observed' && input.observation.isBehind
  if (!isBehind) return { ...rest, act: null, wake: null }
  return { ...rest, act: { act: { kind: 'publish' }, baseline: {}, deadline: now + deadlineMs }, wake: now }
}
