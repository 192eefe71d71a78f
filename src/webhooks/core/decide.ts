import type { Decide } from '../../core/decision.ts'
import { type Instant, seconds } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'

/** A webhook as the engine works on it: what is due is observed, and what came of it stands in the deliveries. */
export type Sink = { readonly id: Uuid; readonly isFailing: boolean; readonly pausedUntil: Instant | null }

/** Sends these deliveries, each of another subject, and writes what came of each. */
export type SinkAct = { readonly kind: 'deliver'; readonly deliveries: readonly Uuid[] }

/** Of each subject the oldest open delivery: those that are due now, and when the next one is. */
export type SinkObservation = { readonly due: readonly Uuid[]; readonly nextDue: Instant | null }

/** So many at once. A receiver that failed last is tried with one. */
export const deliveriesAtOnce = 8
/** Sending has 10 s; the rest is for writing what came of it. */
const deadlineMs = seconds(30)

/**
 * Delivers what is due. Only the oldest open delivery of a subject is ever sent, so the order within a subject holds
 * whatever fails; what fails of one subject keeps no other waiting.
 */
export const decideSink: Decide<Sink, never, SinkObservation, SinkAct> = (state, input, now) => {
  const { due, nextDue } = input.kind === 'observed' ? input.observation : { due: [], nextDue: now }
  const rest = { kind: 'next', state, events: [] } as const
  if (state.pausedUntil !== null && state.pausedUntil > now) return { ...rest, act: null, wake: state.pausedUntil }
  if (due.length === 0) return { ...rest, act: null, wake: nextDue }
  const deliveries = due.slice(0, state.isFailing ? 1 : deliveriesAtOnce)
  return { ...rest, act: { act: { kind: 'deliver', deliveries }, baseline: {}, deadline: now + deadlineMs }, wake: now }
}
