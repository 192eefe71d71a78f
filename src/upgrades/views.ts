import type { Waiting } from '../core/decision.ts'
import { rfc3339 } from '../infra/http/time.ts'
import { canaryCountOf } from './core/batches.ts'
import { type Execution, type Instance, type InstanceStatus, instanceStatuses, type Side } from './core/model.ts'
import type { Backup } from './store/backups.ts'
import type { InstanceCounts, ListedExecution } from './store/queries.ts'

function waitingView(waiting: Waiting | null) {
  return waiting === null ? null : { ...waiting, until: rfc3339(waiting.until) }
}

/** An instance as callers see it (SPEC section 5): the version in place of the side. */
function instanceView(execution: Execution, instance: Instance) {
  return {
    id: instance.id,
    index: instance.index,
    status: instance.status,
    version: versionShown(execution, instance),
    origin: instance.origin,
    currentPod: (instance.nextPod ?? instance.pod)?.name ?? null,
    previousPods: instance.previousPods.map(({ name }) => name),
    unchanged: instance.unchanged,
    message: instance.message ?? (instance.ahead === true ? 'it moved without being let go' : null),
    startedAt: rfc3339(instance.startedAt),
    endedAt: rfc3339(instance.endedAt),
  }
}

/** The version of the current pod: one beside the old pod is of the target's. */
function versionShown(execution: Pick<Execution, 'from' | 'to'>, { version, side, nextPod }: Instance): string | null {
  return nextPod === null ? (version ?? versionOf(execution, side)) : execution.to.version
}

/** Which version a side is; null where nothing runs, or something that is neither. */
export function versionOf({ from, to }: Pick<Execution, 'from' | 'to'>, side: Side | null): string | null {
  if (side === 'previous') return from.version
  return side === 'target' ? to.version : null
}

const inFlight: readonly InstanceStatus[] = ['DRAINING', 'UPGRADING', 'HEALTH_CHECKING']

function progressView(counts: InstanceCounts) {
  const count = (...statuses: readonly InstanceStatus[]) =>
    statuses.reduce((sum, status) => sum + (counts[status] ?? 0), 0)
  return {
    total: count(...instanceStatuses),
    pending: count('PENDING'),
    inFlight: count(...inFlight),
    completed: count('COMPLETED'),
    failed: count('FAILED'),
    rolledBack: count('ROLLED_BACK'),
  }
}

/** `seeds/004`, "RollbackInfo Structure". */
function rollbackView({ spec, rollbackInfo }: Pick<Execution, 'spec' | 'rollbackInfo'>) {
  const { rollbackInitiatedAt, rolledBackInstances, ...info } = rollbackInfo
  return {
    autoRollbackEnabled: spec.autoRollbackEnabled,
    failureThreshold: spec.failureThreshold,
    ...info,
    rollbackInitiatedAt: rfc3339(rollbackInitiatedAt),
    rolledBackInstances: [...rolledBackInstances],
  }
}

/** An execution as lists show it (SPEC section 5, "Answers"): everything but its instances. */
export function listedExecution({ execution, counts }: ListedExecution) {
  const { spec, from, to, target } = execution
  return {
    id: execution.id,
    tenantId: execution.tenantId,
    componentId: execution.componentId,
    fromVersionId: from.id,
    fromVersion: from.version,
    toVersionId: to.id,
    toVersion: to.version,
    ...spec,
    totalInstances: execution.totalInstances,
    installedComponents: execution.installedComponents,
    overrideChecks: execution.overrides.map((override) => ({ ...override })),
    initiatedBy: execution.initiatedBy,
    initiatedByLabel: execution.label,
    reason: execution.reason,
    status: execution.status,
    statusReason: execution.statusReason,
    waitingFor: waitingView(execution.waitingFor),
    target: targetView(target),
    currentInstances: execution.currentInstances,
    canaryInstances: spec.strategy === 'CANARY' ? canaryCountOf(execution.currentInstances, spec.canaryPercentage) : 0,
    currentBatch: execution.currentBatch,
    progress: progressView(counts),
    checks: execution.checks.map((check) => ({ ...check })),
    warnings: execution.warnings.map((warning) => ({ ...warning })),
    rollbackInfo: rollbackView(execution),
    transitions: execution.transitions.map((step) => ({ ...step, at: rfc3339(step.at) })),
    approvals: execution.approvals.map((approval) => ({ ...approval, at: rfc3339(approval.at) })),
    rehearsal: target.kind === 'rehearsal',
    createdAt: rfc3339(execution.createdAt),
    startedAt: rfc3339(execution.startedAt),
    endedAt: rfc3339(execution.endedAt),
  }
}

function targetView(target: Execution['target']) {
  return target.kind === 'releases' ? { ...target, releaseIds: [...target.releaseIds] } : { ...target }
}

function countsOf({ instances }: Execution): InstanceCounts {
  const counts = new Map<InstanceStatus, number>()
  for (const { status } of instances) counts.set(status, (counts.get(status) ?? 0) + 1)
  return Object.fromEntries(counts)
}

/** One execution, whole. */
export function executionView(execution: Execution) {
  const instances = execution.instances.map((instance) => instanceView(execution, instance))
  return { ...listedExecution({ execution, counts: countsOf(execution) }), instances }
}

/** A backup as callers see it. */
export function backupView(backup: Backup) {
  const { takenAt, createdAt, ...rest } = backup
  return { ...rest, takenAt: rfc3339(takenAt), createdAt: rfc3339(createdAt) }
}
