import type { Waiting } from '../core/decision.ts'
import type { Json } from '../core/json.ts'
import type { Uuid } from '../core/subject.ts'
import { rfc3339 } from '../infra/http/time.ts'
import type { ExecutionWait } from './commands/execution-waits.ts'
import type { Frozen, Health, Leftover, ReleaseStatus, RevisionSummary } from './core/model.ts'
import type { ReleaseListing } from './store/lists.ts'
import type { OperationListing } from './store/operations.ts'

/** A wait as callers see it: `until` is when it is looked at again. */
function waitingView(stored: Json | Waiting) {
  if (stored === null || typeof stored !== 'object' || !('reason' in stored)) return null
  const { reason, until, detail } = stored as { reason: string; until: number | null; detail?: string }
  return { reason, until: rfc3339(until), ...(detail === undefined ? {} : { detail }) }
}

/**
 * What is waited for; of what waits for an execution, what that waits for in its turn. Where it was not asked for, the execution
 * is named that says so.
 */
function waitView(stored: Json, executionId: Uuid | null, wait: Waiting | null) {
  const own = waitingView(stored)
  if (own?.reason !== 'UPGRADE_EXECUTION') return own
  return (
    waitingView(wait) ?? { ...own, detail: `the upgrade execution ${executionId} has it, and says what it waits for` }
  )
}

/**
 * What another hand has pending is looked at whenever it changes; nothing of ours moves until it has ended (SPEC section 1). It
 * may take as long as it likes: a moment would be a guess, so there is none, and the detail says so.
 */
function otherHandView(pendingBy: string | null) {
  if (pendingBy === null) return null
  return {
    reason: 'ANOTHER_HAND',
    until: null,
    detail:
      'helm run by another hand has it. There is no time limit: what becomes of it is seen as it happens; ' +
      'recover with {"force": true} settles it',
  }
}

/**
 * `observedAt` moves on as long as the watch that counted it sees nothing else. A watch that has counted nothing of a
 * release which is there vouches for that too: it has no workloads.
 */
function healthView(stored: Json, watchedUntil: Date | null, status: string) {
  const lately = watchedUntil?.getTime() ?? 0
  if (stored === null || typeof stored !== 'object' || !('ready' in stored)) {
    const isThere = status === 'DEPLOYED' || status === 'FAILED'
    return isThere && lately > 0 ? { ready: 0, total: 0, observedAt: rfc3339(lately) } : null
  }
  const { ready, total, observedAt, watched = false } = stored as Health
  return { ready, total, observedAt: rfc3339(watched || total === 0 ? Math.max(observedAt, lately) : observedAt) }
}

function frozenView(frozen: Frozen | null) {
  return frozen === null ? null : { executionId: frozen.executionId, versions: frozen.versions }
}

/** A release as lists show it (SPEC section 3, "A release"): everything but its values. */
export function listedRelease(row: ReleaseListing & ExecutionWait) {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    clusterId: row.cluster_id,
    releaseName: row.name,
    namespace: row.namespace,
    chartName: row.chart,
    chartVersion: row.chart_version,
    attemptedChartVersion: row.attempted_chart_version,
    appVersion: row.app_version,
    status: row.status as ReleaseStatus,
    revision: row.revision,
    description: row.description,
    health: healthView(row.health, row.watched_until, row.status),
    currentOperationId: row.current_operation_id,
    executionId: row.claimed_by_execution,
    waitingFor:
      waitView(row.waiting_for, row.claimed_by_execution, row.execution_wait ?? null) ?? otherHandView(row.pending_by),
    pendingBy: row.pending_by as 'external' | null,
    frozen: frozenView(row.frozen as Frozen | null),
    leftovers: row.leftovers as unknown as Leftover[],
    performedBy: row.performed_by,
    createdAt: rfc3339(row.created_at),
    updatedAt: rfc3339(row.updated_at),
  }
}
export type ListedRelease = ReturnType<typeof listedRelease>

/** One release, with its stored overrides as they may be shown. */
export function releaseView(row: ReleaseListing & ExecutionWait, shownValues: Readonly<Record<string, Json>>) {
  return { ...listedRelease(row), valuesOverride: shownValues }
}

/** A revision in the history (SPEC section 3). Never shows values. */
export function historyView(revision: RevisionSummary, current: number) {
  return {
    revision: revision.revision,
    chartVersion: revision.chartVersion,
    appVersion: revision.appVersion,
    status: revision.verdict,
    description: revision.description,
    performedBy: revision.performedBy,
    createdAt: rfc3339(revision.createdAt),
    current: revision.revision === current,
  }
}

export const operationStatuses = ['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED'] as const
export type OperationStatus = (typeof operationStatuses)[number]

/** An operation (SPEC section 1). Its evidence is not part of it: that is read for one operation only. */
export function operationView(row: OperationListing & ExecutionWait) {
  return {
    id: row.id,
    kind: row.kind,
    releaseId: row.release_id,
    parentId: row.parent_id,
    executionId: row.execution_id,
    status: row.status as OperationStatus,
    waitingFor: waitView(row.waiting_for, row.execution_id, row.execution_wait ?? null),
    result: row.result,
    error: row.error,
    performedBy: row.performed_by,
    reason: row.reason,
    createdAt: rfc3339(row.created_at),
    startedAt: rfc3339(row.started_at),
    endedAt: rfc3339(row.ended_at),
  }
}
