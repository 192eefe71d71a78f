/*
 * What becomes of each instance by what is seen of it, before anybody decides to do anything:
 *
 *   PENDING ◀─(not let go)─ DRAINING ─▶ UPGRADING ──up──▶ HEALTH_CHECKING ──two good──▶ COMPLETED
 *                               ╲           ╲    ◀─pod gone─     ╲                          ╲
 *                                refused      not passed within healthCheckTimeoutSeconds     bad for too long
 *                                  ╲             ╲                 ╲                           ╲
 *                                   └─────────────┴─────────────────┴───────▶ FAILED ◀──────────┘
 *
 * Which ones are taken and let go is decided in `stages/moving.ts`.
 */
import type { Attempt } from '../../core/decision.ts'
import { type Instant, seconds } from '../../core/instant.ts'
import { graceMs } from './blind.ts'
import { isEdited, templateChanged } from './edited.ts'
import { isForward, oldPod, targetPod, untouched } from './instances.ts'
import { limitOf, stopping } from './leaving.ts'
import type {
  ChildSight,
  Execution,
  ExecutionAct,
  HealthStreak,
  Instance,
  InstanceStatus,
  Member,
  ReleaseSight,
} from './model.ts'
import { awaitsTurn } from './order.ts'
import { mapChanged, patch } from './patch.ts'
import { isCheckDue } from './probes.ts'
import { failedToTake, isAnswered, notTold } from './refused.ts'
import { type Fleet, type Members, whyNoPod } from './slots.ts'
import { isProving } from './strategies/index.ts'

/** What instances are judged by. */
export type Evidence = {
  readonly execution: Execution
  readonly fleet: Fleet
  readonly members: Members
  readonly releases: ReadonlyMap<string, ReleaseSight>
  readonly attempt: Attempt<ExecutionAct> | null
  readonly now: Instant
}
/** `isNotTold`: of an instance that was let go the cluster knows nothing yet, so that its time does not count. */
type Judging = Evidence & { readonly isNotTold: (instance: Instance) => boolean }

/** The execution with every instance judged; those that became FAILED are counted. */
export function judge(evidence: Evidence): Execution {
  const { execution } = evidence
  if (execution.change?.podsChange === false) return judgeUnchanged(evidence)
  let failures = 0
  const judging = { ...evidence, isNotTold: notTold(evidence) }
  const instances = mapChanged(execution.instances, (instance) => {
    const judged = judgeInstance(judging, instance)
    if (judged.status === 'FAILED' && instance.status !== 'FAILED') failures += 1
    return judged
  })
  if (instances === execution.instances) return execution
  const { rollbackInfo } = execution
  const currentFailures = rollbackInfo.currentFailures + failures
  return { ...execution, instances, rollbackInfo: failures === 0 ? rollbackInfo : { ...rollbackInfo, currentFailures } }
}

/** Judges those alone that were in flight forward when it turned round: nothing that fails on the way back counts. Pure. */
export function judgeForward(evidence: Evidence): Execution {
  // On the way back their upgrades have been told that they failed: what counts is what runs.
  const judging = { ...evidence, releases: new Map(), isNotTold: () => false }
  const instances = mapChanged(evidence.execution.instances, (one) =>
    isForward(one) ? judgeInstance(judging, one) : one,
  )
  return patch(evidence.execution, { instances })
}

/** Where no pod changes there is nothing to judge: what the cluster adds runs what it should. */
function judgeUnchanged({ execution, now }: Evidence): Execution {
  if (execution.stage !== 'opening' && execution.stage !== 'verifying') return execution
  const instances = mapChanged(execution.instances, (instance) => unchangedInstance(instance, now))
  return patch(execution, { instances })
}

/** It runs what it should, though nothing was done to it. */
export function unchangedInstance(instance: Instance, now: Instant): Instance {
  if (instance.status === 'COMPLETED') return instance
  return { ...instance, status: 'COMPLETED', unchanged: true, startedAt: now, endedAt: now }
}

type Judge = (evidence: Judging, instance: Instance) => Instance
const judges: Readonly<Record<InstanceStatus, Judge>> = {
  PENDING: waitingForTurn,
  DRAINING: draining,
  UPGRADING: upgrading,
  HEALTH_CHECKING: healthChecking,
  COMPLETED: completed,
  FAILED: (_, instance) => instance,
  ROLLED_BACK: (_, instance) => instance,
}
const judgeInstance: Judge = (evidence, instance) => judges[instance.status](evidence, instance)

/**
 * The cluster moved it by itself, or an act of before arrived late: it belongs to what is in flight. An old pod that the
 * cluster has left beside the new one stays until that has passed.
 */
function waitingForTurn(evidence: Judging, instance: Instance): Instance {
  if (targetPod(instance) === null) return instance
  const surge = instance.surge || instance.nextPod !== null
  return upgrading(evidence, { ...instance, status: 'UPGRADING', surge, startedAt: evidence.now })
}

function draining(evidence: Judging, instance: Instance): Instance {
  if (targetPod(instance) !== null) return waitingForTurn(evidence, instance)
  const refusal = instance.pod === null ? undefined : evidence.fleet.refusals[instance.pod.uid]
  if (refusal === undefined) return instance
  const refused = patch(instance, { message: refusal })
  return isLate(evidence, instance) ? failed(evidence, refused, refusal) : refused
}

function upgrading(evidence: Judging, instance: Instance): Instance {
  const child = childOf(evidence, instance)
  if (child.kind === 'failed') return failed(evidence, instance, child.detail)
  const member = targetMember(evidence, instance)
  if (member?.ready) {
    const up: Instance = { ...instance, status: 'HEALTH_CHECKING', upAt: evidence.now, message: null }
    return healthChecking(evidence, up)
  }
  const problem = member === null ? whyNotThere(evidence, instance) : member.problem
  if (!isLate(evidence, instance) || evidence.isNotTold(instance)) {
    return patch(instance, { message: problem ?? instance.message })
  }
  return failed(evidence, instance, problem ?? 'no new pod came up in time')
}

/** Why there is no new pod yet: the old one does not go, or its controller cannot make another, or makes another hand's. */
function whyNotThere(evidence: Judging, instance: Instance): string | null {
  if (isEdited(evidence.execution, evidence.fleet)) return templateChanged
  return (
    keptBack(evidence, instance) ??
    stopping(instance) ??
    (evidence.isNotTold(instance) ? null : whyNoPod(evidence.fleet, instance))
  )
}

/** Why its old pod did not go when it was to: a disruption budget, where that is not asked before. */
function keptBack({ attempt }: Evidence, instance: Instance): string | null {
  const failed = failedToTake(attempt, oldPod(instance))
  return failed !== null && isAnswered(failed) ? (failed.failure?.detail ?? null) : null
}

const absent: ChildSight = { kind: 'absent' }

/** How the upgrade of the release stands that is this instance, where each one is a release. */
function childOf({ execution, releases }: Evidence, { key }: Instance): ChildSight {
  if (execution.capabilities.hold !== 'each') return absent
  return releases.get(key ?? '')?.deploy ?? absent
}

function healthChecking(evidence: Judging, instance: Instance): Instance {
  const member = targetMember(evidence, instance)
  const child = childOf(evidence, instance)
  if (child.kind === 'failed') return failed(evidence, instance, child.detail)
  if (member === null) return { ...instance, status: 'UPGRADING', upAt: null }
  const up = instance.upAt === null && member.ready ? { ...instance, upAt: evidence.now } : instance
  const checked = checkedHealth(evidence, up, member)
  if (checked.health.good >= 2) return { ...checked, status: 'COMPLETED', endedAt: evidence.now, message: null }
  if (!isLate(evidence, instance) || isPassing(evidence, checked, member)) return checked
  return failed(evidence, checked, member.problem ?? 'it did not pass two health checks in a row in time')
}

function completed(evidence: Judging, instance: Instance): Instance {
  const member = targetMember(evidence, instance)
  if (member === null && oldPod(instance) !== null) {
    return { ...untouched(instance), message: whyNotOnTarget(evidence, instance) }
  }
  const stays = withOldPod(evidence, instance)
  const checked = checkedHealth(evidence, stays, member)
  const { bad, badSince } = checked.health
  if (isProving(evidence.execution) && bad >= 2) {
    return failed(evidence, checked, member?.problem ?? 'two bad health checks in a row')
  }
  const lasts = badSince !== null && evidence.now - badSince >= timeoutOf(evidence.execution)
  if (lasts) return failed(evidence, checked, member?.problem ?? 'bad for longer than the health check timeout')
  return stays.surge && oldPod(stays) !== null && stays.message !== null && oldOverstays(evidence, stays)
    ? failed(evidence, checked, stays.message)
    : checked
}

/** What a place runs that had passed, and is of the target version no more. */
function whyNotOnTarget({ execution, fleet }: Evidence, { side }: Instance): string {
  if (isEdited(execution, fleet)) return templateChanged
  return side === 'previous' ? 'it runs an earlier version again' : 'it runs another version now'
}

/** Its new pod has passed; whether the old one may go is asked before it does. */
function withOldPod({ fleet }: Evidence, instance: Instance): Instance {
  const old = oldPod(instance)
  if (!instance.surge || old === null) return patch(instance, { message: stopping(instance) })
  return patch(instance, { message: fleet.refusals[old.uid] ?? null })
}

function oldOverstays({ execution, now }: Evidence, { endedAt }: Instance): boolean {
  return endedAt !== null && now - endedAt >= timeoutOf(execution)
}

function targetMember({ members }: Evidence, instance: Instance): Member | null {
  const pod = targetPod(instance)
  return pod === null ? null : (members.get(pod.uid) ?? null)
}

function failed({ now }: Evidence, instance: Instance, message: string): Instance {
  return { ...instance, status: 'FAILED', message, endedAt: now }
}

const timeoutOf = ({ spec }: Execution): number => seconds(spec.healthCheckTimeoutSeconds)

function isLate({ execution, now }: Evidence, instance: Instance): boolean {
  return instance.startedAt !== null && !awaitsTurn(instance) && now >= limitOf(execution, instance, now)
}

/**
 * It was up by its limit, is ready, and its newest check was good, or none was made yet: what it lacks is a look of ours in
 * time, so it has the next check too (docs/adr/0046). A check that is due and cannot be made is waited for until the limit
 * has passed twice.
 */
function isPassing({ execution, now }: Evidence, instance: Instance, member: Member): boolean {
  const { good, checkedAt } = instance.health
  const limit = limitOf(execution, instance, now)
  if (now >= limit + timeoutOf(execution) && isCheckDue(execution, instance, now)) return false
  return member.ready && (good > 0 || checkedAt === null) && isUpBy(limit, instance, member)
}

/**
 * The pod that is there was: it was seen so, or the cluster says so. Where that tells no time, a look of ours may have been
 * late by what is not forgiven.
 */
function isUpBy(limit: Instant, { upAt }: Instance, { readySince }: Member): boolean {
  const seen = upAt ?? Number.POSITIVE_INFINITY
  return seen <= limit || (readySince ?? seen - graceMs) <= limit
}

/** The health check, when it is due and could be made: readiness, and the health endpoint where there is one. */
function checkedHealth({ execution, fleet, now }: Evidence, instance: Instance, member: Member | null): Instance {
  if (!isCheckDue(execution, instance, now)) return instance
  if (member === null || !member.ready) return { ...instance, health: bad(instance.health, now) }
  if (execution.healthEndpoint === null) return { ...instance, health: good(instance.health, now) }
  const probe = fleet.probes[member.pod.uid]
  if (probe === undefined) return instance
  return { ...instance, health: probe === 'good' ? good(instance.health, now) : bad(instance.health, now) }
}

function good(streak: HealthStreak, now: Instant): HealthStreak {
  return { good: streak.good + 1, bad: 0, badSince: null, checkedAt: now }
}

function bad(streak: HealthStreak, now: Instant): HealthStreak {
  return { good: 0, bad: streak.bad + 1, badSince: streak.badSince ?? now, checkedAt: now }
}
