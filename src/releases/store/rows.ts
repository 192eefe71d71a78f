import type { Insertable, Selectable } from 'kysely'
import type { Waiting } from '../../core/decision.ts'
import type { Instant } from '../../core/instant.ts'
import type { JsonObject } from '../../core/json.ts'
import { jsonbText } from '../../infra/database/jsonb.ts'
import type { Vault } from '../../infra/secrets/vault.ts'
import type {
  ActionKind,
  Claim,
  Frozen,
  Health,
  Leftover,
  ObservedRevision,
  Operation,
  OperationRequest,
  Outcome,
  Release,
  ReleaseStatus,
  RevisionSummary,
  Verdict,
} from '../core/model.ts'
import { shownStatus } from '../core/shown.ts'
import { keptForm, keptOf, unsealedEvidence } from '../evidence.ts'
import { sealedAs } from './sealed.ts'
import type { OperationRow, ReleaseRow, RevisionRow } from './tables.ts'

const at = (instant: Instant): Date => new Date(instant)
const instantOf = (date: Date): Instant => date.getTime()
const maybe = <A, B>(value: A | null, map: (value: A) => B): B | null => (value === null ? null : map(value))

/** A claim as it is stored: with the status beneath it, where the column has the one that is shown. */
type StoredClaim = Claim & { readonly status: ReleaseStatus }

const claimOf = ({ status: _, ...claim }: StoredClaim): Claim => claim

/** The status that a release has beneath its claim, if it has one. */
export function statusBeneath({ claim, status }: Pick<Selectable<ReleaseRow>, 'claim' | 'status'>): ReleaseStatus {
  return ((claim as StoredClaim | null)?.status ?? status) as ReleaseStatus
}

/** A release from its row. Its values are decrypted only here. */
export function releaseOf(row: Selectable<ReleaseRow>, vault: Vault): Release {
  const held = row.claim as StoredClaim | null
  return {
    id: row.id,
    tenantId: row.tenant_id,
    clusterId: row.cluster_id,
    namespace: row.namespace,
    name: row.name,
    chart: row.chart,
    chartVersion: row.chart_version,
    attemptedChartVersion: row.attempted_chart_version,
    appVersion: row.app_version,
    status: statusBeneath(row),
    failedKind: row.failed_kind as ActionKind | null,
    everDeployed: row.ever_deployed,
    revision: row.revision,
    secretUid: row.secret_uid,
    observed: row.observed as ObservedRevision | null,
    values: vault.open(row.values_enc, sealedAs.releaseValues(row.id)) as JsonObject,
    description: row.description,
    health: row.health as Health | null,
    waitingFor: row.waiting_for as Waiting | null,
    pendingBy: row.pending_by as 'external' | null,
    frozen: row.frozen as Frozen | null,
    leftovers: row.leftovers as unknown as readonly Leftover[],
    claim: held === null ? null : claimOf(held),
    performedBy: row.performed_by,
    seq: BigInt(row.seq),
    version: row.version,
    createdAt: instantOf(row.created_at),
    updatedAt: instantOf(row.updated_at),
  }
}

/** The columns of a release; `values_enc` only where the values differ from those that are stored. */
export function releaseColumns(release: Release, operation: Operation | null) {
  return {
    tenant_id: release.tenantId,
    cluster_id: release.clusterId,
    namespace: release.namespace,
    name: release.name,
    chart: release.chart,
    chart_version: release.chartVersion,
    attempted_chart_version: release.attemptedChartVersion,
    app_version: release.appVersion,
    status: shownStatus(release),
    failed_kind: release.failedKind,
    ever_deployed: release.everDeployed,
    revision: release.revision,
    secret_uid: release.secretUid,
    description: release.description,
    health: jsonbText(release.health),
    waiting_for: jsonbText(release.waitingFor),
    pending_by: release.pendingBy,
    frozen: jsonbText(release.frozen),
    leftovers: jsonbText(release.leftovers),
    claimed_by_execution: release.claim?.executionId ?? null,
    claim: jsonbText(release.claim && ({ ...release.claim, status: release.status } satisfies StoredClaim)),
    operation_id: operation?.id ?? null,
    current_operation_id: operation?.endedAt === null ? operation.id : null,
    observed: jsonbText(release.observed),
    performed_by: release.performedBy,
    updated_at: at(release.updatedAt),
  }
}

/** The same of a release that is there. The watch writes health too, beside all decisions: what was not decided stays. */
export function changingColumns(before: Pick<Release, 'health'>, release: Release, operation: Operation | null) {
  const { health, ...columns } = releaseColumns(release, operation)
  return release.health === before.health ? columns : { ...columns, health }
}

export function revisionOf(
  row: Omit<Selectable<RevisionRow>, 'values_enc' | 'manifest_enc' | 'hooks_enc'>,
): RevisionSummary {
  return {
    revision: row.revision,
    secretUid: row.secret_uid,
    operationId: row.operation_id,
    verdict: row.verdict as Verdict,
    chart: row.chart,
    chartVersion: row.chart_version,
    chartDigest: row.chart_digest,
    appVersion: row.app_version,
    description: row.description,
    performedBy: row.performed_by,
    createdAt: instantOf(row.created_at),
  }
}

export const revisionColumns = [
  'release_id',
  'revision',
  'secret_uid',
  'operation_id',
  'verdict',
  'chart',
  'chart_version',
  'chart_digest',
  'app_version',
  'description',
  'performed_by',
  'created_at',
] as const satisfies readonly (keyof RevisionRow)[]

/** The columns of an operation without what is encrypted. */
export const listedColumns = [
  'id',
  'tenant_id',
  'release_id',
  'parent_id',
  'execution_id',
  'kind',
  'request',
  'state',
  'status',
  'waiting_for',
  'result',
  'error',
  'performed_by',
  'principal_id',
  'reason',
  'cancel_requested_at',
  'seq',
  'version',
  'created_at',
  'started_at',
  'ended_at',
] as const satisfies readonly (keyof OperationRow)[]

const joinedColumns = [...listedColumns, 'values_enc', 'evidence_enc'] as const

/** The columns of an operation as they are selected beside those of its release. */
export const joinedOperation = joinedColumns.map((column) => `operations.${column} as op_${column}` as const)

/** The operation's row out of a row that was joined; null where there was none. */
export function joinedRow(row: Readonly<Record<`op_${string}`, unknown>>): Selectable<OperationRow> | null {
  if (row.op_id === null) return null
  const entries = joinedColumns.map((column) => [column, row[`op_${column}`]])
  return Object.fromEntries(entries) as Selectable<OperationRow>
}

/** What of an operation changes while it runs, kept as one document. */
type OperationDocument = Pick<Operation, 'phase' | 'reverting' | 'deadline' | 'before' | 'verdict'>

export function operationOf(row: Selectable<OperationRow>, vault: Vault): Operation {
  const document = row.state as unknown as Omit<OperationDocument, 'verdict'> & Partial<OperationDocument>
  const request = row.request as unknown as Omit<OperationRequest, 'values' | 'heldBy'>
  const values =
    row.values_enc === null ? {} : (vault.open(row.values_enc, sealedAs.operationValues(row.id)) as JsonObject)
  return {
    ...document,
    verdict: document.verdict ?? null,
    id: row.id,
    parentId: row.parent_id,
    kind: row.kind as Operation['kind'],
    request: { ...request, values, heldBy: row.execution_id },
    cancelRequested: row.cancel_requested_at !== null,
    ...keptOf(row.evidence_enc === null ? null : vault.open(row.evidence_enc, sealedAs.evidence(row.id))),
    performedBy: row.performed_by,
    principalId: row.principal_id,
    reason: row.reason,
    createdAt: instantOf(row.created_at),
    startedAt: maybe(row.started_at, instantOf),
    endedAt: maybe(row.ended_at, instantOf),
    outcome:
      row.ended_at === null ? null : { status: row.status as Outcome['status'], error: row.error as Outcome['error'] },
  }
}

/** The columns of an operation that an update may change. */
export function operationColumns(operation: Operation, waitingFor: Waiting | null, vault: Vault, now: Instant) {
  const { phase, reverting, deadline, before, verdict } = operation
  return {
    state: jsonbText({ phase, reverting, deadline, before, verdict } satisfies OperationDocument),
    status: operation.outcome?.status ?? (operation.startedAt === null ? 'QUEUED' : 'RUNNING'),
    waiting_for: jsonbText(operation.endedAt === null ? waitingFor : null),
    error: jsonbText(operation.outcome?.error ?? null),
    evidence_enc: sealedOnce(operation, vault),
    cancel_requested_at: operation.cancelRequested ? at(now) : null,
    started_at: maybe(operation.startedAt, at),
    ended_at: maybe(operation.endedAt, at),
  }
}

function sealedOnce({ id, evidence, overwritten }: Operation, vault: Vault): Buffer | null {
  const open = maybe(evidence, (sealed) => unsealedEvidence(vault, id, sealed))
  return maybe(keptForm({ evidence: open, overwritten }), (kept) => vault.seal(kept, sealedAs.evidence(id)))
}

/** A new operation's row. */
export function operationRow(
  operation: Operation,
  release: Release,
  vault: Vault,
  now: Instant,
): Insertable<OperationRow> {
  const { values, heldBy, ...request } = operation.request
  return {
    id: operation.id,
    tenant_id: release.tenantId,
    release_id: release.id,
    parent_id: operation.parentId,
    execution_id: heldBy,
    kind: operation.kind,
    request: jsonbText(request),
    values_enc: vault.seal(values, sealedAs.operationValues(operation.id)),
    result: 'null',
    performed_by: operation.performedBy,
    principal_id: operation.principalId,
    reason: operation.reason,
    seq: 0,
    version: 0,
    created_at: at(operation.createdAt),
    ...operationColumns(operation, release.waitingFor, vault, now),
  }
}
