import type { Selectable } from 'kysely'
import type { Waiting } from '../../core/decision.ts'
import { jsonb } from '../../infra/database/jsonb.ts'
import { fromInstant, toInstant } from '../../infra/database/pool.ts'
import type { Execution, ExecutionStatus, Instance } from '../core/model.ts'
import type { ExecutionRow } from './tables.ts'

/** What never changes once an execution is made. */
const requestFields = [
  'from',
  'to',
  'spec',
  'target',
  'capabilities',
  'healthEndpoint',
  'overrides',
  'installedComponents',
  'totalInstances',
  'label',
  'reason',
] as const satisfies readonly (keyof Execution)[]
type Request = Pick<Execution, (typeof requestFields)[number]>

/** What has a column of its own, or rows. */
const columnFields = [
  'id',
  'tenantId',
  'componentId',
  'status',
  'waitingFor',
  'initiatedBy',
  'principalId',
  'seq',
  'version',
  'createdAt',
  'startedAt',
  'endedAt',
  'instances',
] as const satisfies readonly (keyof Execution)[]

/** Everything else is kept as one document: what decisions change. */
type State = Omit<Execution, (typeof requestFields)[number] | (typeof columnFields)[number]>

/** A row with its instances, in the order of their places. */
export type ExecutionRecord = Selectable<ExecutionRow> & { readonly instances: readonly Instance[] }

export function executionOf({ instances, ...row }: ExecutionRecord): Execution {
  return { ...withoutInstances(row), instances }
}

/** The execution of a row, without its instances. */
export function withoutInstances(row: Selectable<ExecutionRow>): Omit<Execution, 'instances'> {
  return {
    ...(row.request as unknown as Request),
    ...(row.state as unknown as State),
    id: row.id,
    tenantId: row.tenant_id,
    componentId: row.component_id,
    status: row.status as ExecutionStatus,
    waitingFor: row.waiting_for as Waiting | null,
    initiatedBy: row.performed_by,
    principalId: row.principal_id,
    seq: BigInt(row.seq),
    version: row.version,
    createdAt: toInstant(row.created_at),
    startedAt: toInstant(row.started_at),
    endedAt: toInstant(row.ended_at),
  }
}

/** The columns of an execution that a decision may change. */
export function changing(execution: Execution) {
  const { state, waiting_for, ...same } = changedColumns(execution)
  return { ...same, state: jsonb(state), waiting_for: jsonb(waiting_for) }
}

/** The same as plain values. */
export function changedColumns(execution: Execution) {
  return {
    status: execution.status,
    state: Object.fromEntries(Object.entries(execution).filter(([field]) => !keptElsewhere.has(field))),
    waiting_for: execution.waitingFor,
    started_at: fromInstant(execution.startedAt),
    ended_at: fromInstant(execution.endedAt),
  }
}

const keptElsewhere: ReadonlySet<string> = new Set([...requestFields, ...columnFields])

/** A new execution's row. */
export function newRow(execution: Execution) {
  const request = Object.fromEntries(requestFields.map((field) => [field, execution[field]]))
  return {
    id: execution.id,
    tenant_id: execution.tenantId,
    component_id: execution.componentId,
    rehearsal: execution.target.kind === 'rehearsal',
    strategy: execution.spec.strategy,
    request: jsonb(request),
    performed_by: execution.initiatedBy,
    principal_id: execution.principalId,
    seq: Number(execution.seq),
    version: execution.version,
    created_at: fromInstant(execution.createdAt),
    ...changing(execution),
  }
}
