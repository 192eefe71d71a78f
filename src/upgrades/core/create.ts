import { type Instant, minutes } from '../../core/instant.ts'
import { downtimeOf } from './downtime.ts'
import type { Execution, Member, NamedPlace } from './model.ts'
import { waits } from './reasons.ts'
import { type Found, foundIn, newInstance } from './slots.ts'

/** What of an execution is given: a validated request. */
type Given =
  | 'id'
  | 'tenantId'
  | 'componentId'
  | 'from'
  | 'to'
  | 'spec'
  | 'target'
  | 'capabilities'
  | 'healthEndpoint'
  | 'overrides'
  | 'installedComponents'
  | 'claims'
  | 'takesOver'
  | 'warnings'
  | 'initiatedBy'
  | 'principalId'
  | 'label'
  | 'reason'

/** A validated request with what was found for it. */
export type NewExecution = Pick<Execution, Given> & {
  /** What there is now, in the order in which instances are numbered (ordinals rising). */
  readonly members: readonly Member[]
  /** The places that the fleet names beforehand, in the same order; null where it names none. */
  readonly places: readonly NamedPlace[] | null
  /** How many are wanted now. */
  readonly wanted: number
}

/** How long an execution stays PENDING: then it is given up (SPEC section 5, "What is upgraded"). */
export const startWithinMs = minutes(24 * 60)

/** An execution as it is initiated: PENDING, nothing claimed. The caller saves it, wakes it, and records `createdEvent`. */
export function newExecution(wanted: NewExecution, now: Instant): Execution {
  const { members, places, wanted: total, warnings, ...given } = wanted
  const execution: Execution = {
    ...given,
    ...untouchedState(now),
    totalInstances: total,
    currentInstances: total,
    instances: foundAtFirst(wanted).map((member, index) => newInstance(given.id, index, member, 'TARGET')),
    warnings,
    waitingFor: { reason: waits.start, until: now + startWithinMs },
    createdAt: now,
    stageSince: now,
  }
  return { ...execution, warnings: [...warnings, ...downtimeOf(execution)] }
}

function foundAtFirst({ members, places, wanted }: NewExecution): readonly Found[] {
  const present = members.filter(({ terminating }) => !terminating)
  return places === null ? present.slice(0, wanted) : foundIn(places, present)
}

function untouchedState(now: Instant) {
  return {
    status: 'PENDING',
    statusReason: null,
    stage: 'checking',
    stageSince: now,
    ending: null,
    pausedFrom: null,
    blindSince: null,
    emptySince: null,
    nextLookAt: null,
    refusedSince: null,
    currentBatch: 0,
    batchSince: null,
    batchLeft: 0,
    admitted: 0,
    nextBatchAt: null,
    change: null,
    checks: [],
    rollbackInfo: {
      currentFailures: 0,
      rollbackReason: null,
      rollbackInitiatedAt: null,
      rollbackInitiatedBy: null,
      rolledBackInstances: [],
    },
    transitions: [],
    approvals: [],
    claiming: false,
    deployed: false,
    frozen: false,
    frozenVersions: null,
    promotedBy: null,
    seq: 0n,
    version: 0,
    startedAt: null,
    endedAt: null,
  } as const
}
