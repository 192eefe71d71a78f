import { type Instant, seconds } from '../../core/instant.ts'
import { canonicalJson } from '../../core/json.ts'
import type { ReleaseDecision } from './command.ts'
import { releaseEvent } from './events.ts'
import type { Absent, Present, Release } from './model.ts'

/** What was decided of a release that is looked at. */
export type Next = Extract<ReleaseDecision, { kind: 'next' }>

/** How often a frozen release is looked at: the execution that left it does not any more, and no record of Helm changes. */
export const lookMs = seconds(5)

/** True while an execution has left the release frozen, and nobody has taken it over or ended that. */
export function isLeftFrozen({ state: { release } }: Next): boolean {
  return release.frozen !== null && !release.frozen.over && release.claim === null
}

/** The same decision, with a look after `lookMs` at the latest. */
export const lookingAgain = (decided: Next, now: Instant): Next => ({
  ...decided,
  wake: Math.min(decided.wake ?? now + lookMs, now + lookMs),
})

/**
 * What another hand scales or deletes in a frozen fleet is counted anew (docs/adr/0045): `frozen.versions` says what runs.
 * Takes what was decided of the release otherwise. Pure.
 */
export function recountFrozen(decided: Next, seen: Present | Absent, now: Instant): Next {
  const { release } = decided.state
  const isCounted = decided.act === null && seen.kind === 'present' && seen.frozenVersions !== null
  if (!isCounted || release.frozen === null || !isLeftFrozen(decided)) return decided
  const versions = seen.frozenVersions
  const again = lookingAgain(decided, now)
  if (canonicalJson(versions) === canonicalJson(release.frozen.versions)) return again
  const recounted: Release = { ...release, frozen: { ...release.frozen, versions }, updatedAt: now }
  const told = releaseEvent(recounted, 'changed', { reason: 'FROZEN_RECOUNTED', versions, performedBy: 'flotilla' })
  const events = [...decided.events, told]
  return { ...again, state: { ...decided.state, release: recounted }, events }
}
