import type { ColumnType } from 'kysely'
import type { Json } from '../../core/json.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Db, NoTables } from '../../infra/database/types.ts'

/** A jsonb column: read as a value, written as the text that `jsonbText` makes. */
type Jsonb<T> = ColumnType<T, string, string>
/** int8 is read as a number (it throws past 2^53) and written as a number or a bigint. */
type Int8 = ColumnType<number, bigint | number, bigint | number>

export type ReleaseRow = {
  id: Uuid
  tenant_id: Uuid
  cluster_id: Uuid
  namespace: string
  name: string
  chart: string
  chart_version: string
  attempted_chart_version: string | null
  app_version: string | null
  status: string
  failed_kind: string | null
  ever_deployed: boolean
  revision: number
  secret_uid: string | null
  values_enc: Buffer
  description: string | null
  health: Jsonb<Json>
  waiting_for: Jsonb<Json>
  pending_by: string | null
  frozen: Jsonb<Json>
  leftovers: Jsonb<Json>
  claimed_by_execution: Uuid | null
  claim: Jsonb<Json>
  /** The newest operation, ended or not. */
  operation_id: Uuid | null
  /** The same while it is open. */
  current_operation_id: Uuid | null
  observed: Jsonb<Json>
  performed_by: string
  seq: Int8
  version: number
  created_at: Date
  updated_at: Date
}

export type RevisionRow = {
  release_id: Uuid
  revision: number
  secret_uid: string
  operation_id: Uuid | null
  verdict: string
  chart: string
  chart_version: string
  chart_digest: string | null
  app_version: string | null
  values_enc: Buffer
  manifest_enc: Buffer
  hooks_enc: Buffer | null
  description: string | null
  performed_by: string
  created_at: Date
}

export type OperationRow = {
  id: Uuid
  tenant_id: Uuid | null
  release_id: Uuid | null
  parent_id: Uuid | null
  execution_id: Uuid | null
  kind: string
  request: Jsonb<Json>
  values_enc: Buffer | null
  state: Jsonb<Json>
  status: string
  waiting_for: Jsonb<Json>
  result: Jsonb<Json>
  error: Jsonb<Json>
  evidence_enc: Buffer | null
  performed_by: string
  principal_id: string
  reason: string | null
  cancel_requested_at: Date | null
  seq: Int8
  version: number
  created_at: Date
  started_at: Date | null
  ended_at: Date | null
}

/** The tables that this feature owns. */
export type ReleaseTables = {
  releases: ReleaseRow
  revisions: RevisionRow
  operations: OperationRow
}

/** The feature's view of the database, or of an open transaction. */
export function tables(db: Db) {
  return db.withTables<ReleaseTables & NoTables>()
}
