import type { PlannedAct } from '../../core/decision.ts'
import { type Instant, seconds } from '../../core/instant.ts'
import type { Absent, HelmRevision, Operation, Present, ReleaseAct, StoredRevision } from './model.ts'
import { baselineOf } from './ownership.ts'

/** What the operation aims at now: itself, or the way back of an `atomic` one that failed. */
export function planApply(operation: Operation, seen: Present | Absent, deadline: Instant): PlannedAct<ReleaseAct> {
  const newest = seen.kind === 'present' ? seen.newest : null
  return { act: actFor(operation, seen), baseline: baselineOf(newest), deadline }
}

function actFor(operation: Operation, seen: Present | Absent): ReleaseAct {
  const operationId = operation.id
  if (operation.reverting !== null) {
    const { target } = operation.reverting
    return target === null ? { kind: 'uninstall', operationId } : { kind: 'rollback', operationId, target }
  }
  if (operation.kind === 'uninstall' || operation.kind === 'recover') return { kind: 'uninstall', operationId }
  if (seen.kind === 'absent') return { kind: 'install', operationId, replace: false }
  if (operation.kind === 'install' || seen.newest.status === 'uninstalled')
    return { kind: 'install', operationId, replace: true }
  return operation.kind === 'rollback' ? rollbackAct(operation, seen) : { kind: 'upgrade', operationId }
}

/** Helm prunes old revisions: a target that it no longer has is deployed from the kept chart and values. */
function rollbackAct(operation: Operation, seen: Present): ReleaseAct {
  const target = operation.request.targetRevision ?? 0
  const stored = seen.stored.some(({ revision }) => revision === target)
  return stored
    ? { kind: 'rollback', operationId: operation.id, target }
    : { kind: 'upgrade', operationId: operation.id }
}

/** What the record of an act that was cut off says of its end. */
export const cutOff = 'interrupted; settled by Flotilla'

/** Ends a revision in Helm's own storage. Short: it is a read or two and one write. `objectsOf`: as the act has it. */
export function planSettle(
  operation: Operation,
  own: Pick<HelmRevision, 'revision' | 'secretUid'>,
  reason: string,
  now: Instant,
  objectsOf?: number,
): PlannedAct<ReleaseAct> {
  const { revision, secretUid } = own
  const more = objectsOf === undefined ? {} : { objectsOf }
  const act: ReleaseAct = { kind: 'settle', operationId: operation.id, revision, secretUid, reason, ...more }
  return { act, baseline: baselineOf(own), deadline: now + seconds(30) }
}

/** Ends an earlier revision beneath the one that is deployed. The baseline is that one: nothing has been written since. */
export function planSupersede(
  operation: Operation,
  { revision, secretUid }: StoredRevision,
  newest: HelmRevision,
  now: Instant,
): PlannedAct<ReleaseAct> {
  const act: ReleaseAct = { kind: 'supersede', operationId: operation.id, revision, secretUid }
  return { act, baseline: baselineOf(newest), deadline: now + seconds(30) }
}

/** Halts or restores the workloads of a frozen release, or moves its traffic. The baseline tells for which of Helm's revisions that was. */
export function planThaw(
  kind: 'halt' | 'restore',
  operationId: Operation['id'],
  seen: Present | Absent,
  now: Instant,
): PlannedAct<ReleaseAct> {
  return planFrozen({ kind, operationId }, seen, now)
}

/** An act on the workloads or Services of a frozen release: a handful of writes. */
export function planFrozen(act: ReleaseAct, seen: Present | Absent, now: Instant): PlannedAct<ReleaseAct> {
  const baseline = baselineOf(seen.kind === 'present' ? seen.newest : null)
  return { act, baseline, deadline: now + seconds(60) }
}

/** The moment by which an operation that begins now must have ended. */
export function deadlineFrom(operation: Operation, now: Instant): Instant {
  return now + seconds(operation.request.timeoutSeconds)
}
