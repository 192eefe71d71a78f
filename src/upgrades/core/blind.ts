import { type Instant, seconds } from '../../core/instant.ts'
import { isInFlight } from './instances.ts'
import type { Execution, Instance } from './model.ts'
import { mapChanged, patch } from './patch.ts'
import { waits } from './reasons.ts'
import { strategyOf } from './strategies/index.ts'

/** How much later than announced a look may be before that is nobody's fault but ours: below the shortest time limit, which is two seconds. */
export const graceMs = seconds(1)

/** The cluster cannot be read: nothing is concluded, and it is said since when. */
export function lookedInVain(execution: Execution, why: string, now: Instant): Execution {
  const waitingFor = { reason: waits.unreadable, until: now + seconds(3), detail: why }
  return { ...execution, waitingFor, blindSince: execution.blindSince ?? sinceWhen(execution, now) ?? now }
}

/** Time in which nobody looked is not on the account of what was in flight: its limits move by as much. */
export function forgiveBlindness(execution: Execution, now: Instant): Execution {
  const since = execution.blindSince ?? sinceWhen(execution, now)
  if (since === null) return execution
  const by = now - since
  const instances = mapChanged(execution.instances, (instance) => later(execution, instance, by, now))
  const moved = (moment: Instant | null = null) => (moment === null ? null : Math.min(now, moment + by))
  const refusedSince = moved(execution.refusedSince)
  const starvedSince = moved(execution.starvedSince)
  const emptySince = moved(execution.emptySince)
  const editedSince = moved(execution.editedSince)
  const stageSince = Math.min(now, execution.stageSince + (isWatched(execution, by) ? 0 : by))
  return patch(execution, {
    instances,
    stageSince,
    refusedSince,
    starvedSince,
    emptySince,
    editedSince,
    blindSince: null,
  })
}

const watchedMs = seconds(10)

/**
 * A switch is watched for a set time, in which looks may be late by less than that of the regular look: each of them sees as much
 * as one in time. Moved by each, the end would go on before the looks.
 */
function isWatched({ stage, blindSince, spec }: Execution, by: number): boolean {
  if (stage !== 'watching' || blindSince !== null) return false
  return by <= Math.max(watchedMs, seconds(spec.healthCheckIntervalSeconds))
}

function sinceWhen({ waitingFor, nextLookAt = null }: Execution, now: Instant): Instant | null {
  const due = nextLookAt ?? waitingFor?.until ?? null
  return due !== null && now - due > graceMs ? due : null
}

function later(execution: Execution, instance: Instance, by: number, now: Instant): Instance {
  const { health, startedAt, endedAt } = instance
  const badSince = health.badSince === null ? null : Math.min(now, health.badSince + by)
  const moved = badSince === health.badSince ? instance : { ...instance, health: { ...health, badSince } }
  if (awaitsOld(execution, instance) && endedAt !== null) return { ...moved, endedAt: Math.min(now, endedAt + by) }
  if (!isInFlight(instance) || startedAt === null) return moved
  return { ...moved, startedAt: Math.min(now, startedAt + by) }
}

/** It has passed, and its old pod has its time to go from then on. Where traffic is switched the old pods stay until then. */
function awaitsOld(execution: Execution, { status, surge }: Instance): boolean {
  return status === 'COMPLETED' && surge && !strategyOf(execution).switches
}
