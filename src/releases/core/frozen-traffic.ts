import type { Attempt, Waiting } from '../../core/decision.ts'
import { type Instant, minutes, seconds } from '../../core/instant.ts'
import type { JsonObject } from '../../core/json.ts'
import { pauseAfter } from '../../core/pauses.ts'
import type { Uuid } from '../../core/subject.ts'
import { releaseEvent } from './events.ts'
import { isLeftFrozen, lookingAgain, lookMs, type Next } from './frozen-count.ts'
import type { Absent, FrozenTraffic, Present, Release, ReleaseAct } from './model.ts'
import { planFrozen } from './plan.ts'
import { waitAtRest } from './shown.ts'

type Outage = Extract<FrozenTraffic, { kind: 'outage' }>
type Served = Extract<FrozenTraffic, { kind: 'serves' }>
type Repin = Extract<ReleaseAct, { kind: 'repin' }>

/** What a frozen release waits for whose traffic is pinned to a set that cannot serve. */
export const trafficWaits = { moving: 'MOVING_PIN', nobody: 'PIN_SERVES_NOBODY' } as const

/** What cannot be moved now may not be for long: where Flotilla may not write Services, every try would be one in vain. */
const pauses = { firstMs: seconds(5), longestMs: minutes(5) } as const

/**
 * A frozen fleet stays as it is but for its traffic: a pin that serves nobody goes to a set that has passed; where none can
 * serve the release says so, and stays as it is (docs/adr/0033). Takes what was decided of the release otherwise. Pure.
 */
export function followTraffic(
  decided: Next,
  seen: Present | Absent,
  attempt: Attempt<ReleaseAct> | null,
  now: Instant,
): Next {
  const { release, operation } = decided.state
  if (decided.act !== null || seen.kind === 'absent' || operation === null || !isLeftFrozen(decided)) return decided
  const { traffic } = seen
  if (traffic === null) return calmed(decided, null)
  if (traffic.kind === 'unseen') return lookingAgain(decided, now)
  if (traffic.kind === 'serves') return lookingAgain(calmed(decided, movedTo(traffic, attempt, operation.id)), now)
  if (traffic.to === null) return lookingAgain(nobodyServes(decided, traffic, now), now)
  const { service, to } = traffic
  const wanted: Repin = { kind: 'repin', operationId: operation.id, service, to, tries: 1 }
  const last = lastTry(attempt, wanted)
  const due = last === null ? now : (last.endedAt ?? last.startedAt) + pauseAfter(pauses, last.act.tries)
  const isMoving = release.waitingFor?.reason === trafficWaits.moving
  const moving = waiting(decided, {
    reason: trafficWaits.moving,
    until: Math.max(now, due),
    detail: isMoving ? withFailure(traffic, last) : traffic.detail,
  })
  if (now < due) return lookingAgain({ ...moving, wake: due }, now)
  const act = isMoving && last !== null ? { ...wanted, tries: last.act.tries + 1 } : wanted
  return { ...moving, act: planFrozen(act, seen, now), wake: now }
}

/** The newest attempt, where it was to do just this. */
function lastTry(attempt: Attempt<ReleaseAct> | null, wanted: Repin): (Attempt<ReleaseAct> & { act: Repin }) | null {
  if (attempt?.act.kind !== 'repin') return null
  const { act } = attempt
  return act.operationId === wanted.operationId && isSameMove(act, wanted) ? { ...attempt, act } : null
}

const isSameMove = (one: Repin, other: Repin): boolean => one.service === other.service && one.to === other.to

function withFailure({ detail }: Outage, last: Attempt<ReleaseAct> | null): string {
  const failure = last?.failure
  return failure ? `${detail}; moving it failed (${failure.code}): ${failure.detail}` : detail
}

/** The version that the newest attempt was to move a pin to, where that is what it says now: its pods may have come back. */
function movedTo({ pins }: Served, attempt: Attempt<ReleaseAct> | null, operationId: Uuid): string | null {
  if (attempt?.act.kind !== 'repin' || attempt.act.operationId !== operationId) return null
  const { service, to } = attempt.act
  return pins[service] === to ? to : null
}

/** Nothing is to be waited for any more; `version`: that a pin has been moved to. */
function calmed(decided: Next, version: string | null): Next {
  const { release } = decided.state
  const reason = release.waitingFor?.reason
  if (reason !== trafficWaits.moving && reason !== trafficWaits.nobody) return decided
  const rested = waiting(decided, waitAtRest(release))
  const hasMoved = reason === trafficWaits.moving && version !== null
  return hasMoved ? telling(rested, { reason: 'PIN_MOVED', version, performedBy: 'flotilla' }) : rested
}

function nobodyServes(decided: Next, { detail }: Outage, now: Instant): Next {
  const known = decided.state.release.waitingFor?.reason === trafficWaits.nobody
  const waits = waiting(decided, { reason: trafficWaits.nobody, until: now + lookMs, detail })
  return known ? waits : telling(waits, { reason: trafficWaits.nobody, performedBy: 'flotilla' })
}

function waiting(decided: Next, waitingFor: Waiting | null): Next {
  const release: Release = { ...decided.state.release, waitingFor }
  return { ...decided, state: { ...decided.state, release } }
}

function telling(decided: Next, more: JsonObject): Next {
  return { ...decided, events: [...decided.events, releaseEvent(decided.state.release, 'changed', more)] }
}
