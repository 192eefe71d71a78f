import { type ColumnType, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Json } from '../../core/json.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Db, NoTables } from '../../infra/database/types.ts'
import { terminalStatuses } from '../core/model.ts'

/** Documents are written with `jsonb`, which takes text from outside too. */
type Document = ColumnType<Json, RawBuilder<unknown>, RawBuilder<unknown>>
/** int8 is read as a number (it throws past 2^53). */
type Int8 = ColumnType<number, number, number | RawBuilder<unknown>>

export type ExecutionRow = {
  id: Uuid
  tenant_id: Uuid
  component_id: Uuid
  rehearsal: boolean
  status: string
  strategy: string
  request: Document
  state: Document
  waiting_for: Document
  performed_by: string
  principal_id: string
  seq: Int8
  version: number
  created_at: Date
  started_at: Date | null
  ended_at: Date | null
}

export type InstanceRow = { execution_id: Uuid; ordinal: number; state: Document }
export type RehearsalRow = { execution_id: Uuid; world: Document }
export type BackupRow = {
  id: Uuid
  tenant_id: Uuid
  namespace: string
  taken_at: Date
  reference: string
  recorded_by: string
  created_at: Date
}

/** The tables that this feature owns, without `gates`, which belongs to the drivers. */
export type UpgradeTables = {
  executions: ExecutionRow
  instances: InstanceRow
  rehearsals: RehearsalRow
  backups: BackupRow
}

/** Executions under way. The statuses are literals: with them the database knows the index of active executions by this. */
export const isActive = sql<SqlBool>`status not in (${sql.join(terminalStatuses.map((status) => sql.lit(status)))})`

/** The feature's view of the database, or of an open transaction. */
export function tables(db: Db) {
  return db.withTables<UpgradeTables & NoTables>()
}
