import { type ColumnType, type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Uuid } from '../../core/subject.ts'
import type { Db } from '../../infra/database/types.ts'
import type { CalendarDay, HealthEndpoint, RiskLevel, UpgradeType, VersionStatus } from '../core/model.ts'

/** A jsonb column: read as a value, written by `jsonb`. */
type Jsonb<T> = ColumnType<T, RawBuilder<unknown>, RawBuilder<unknown>>

export type ComponentRow = {
  id: Uuid
  name: string
  category: string
  chart_name: string
  health_endpoint: Jsonb<HealthEndpoint | null>
  description: string | null
  seq: number
  created_at: Date
  updated_at: Date
}

export type VersionRow = {
  id: Uuid
  component_id: Uuid
  version: string
  status: VersionStatus
  description: string | null
  release_notes: string | null
  release_date: CalendarDay | null
  end_of_support_date: CalendarDay | null
  end_of_life_date: CalendarDay | null
  docker_image: string | null
  helm_chart_version: string
  min_platform_version: string | null
  max_platform_version: string | null
  lts: boolean
  recommended: boolean
  dependencies: Jsonb<Readonly<Record<string, string>>>
  created_at: Date
  updated_at: Date
}

export type PathRow = {
  id: Uuid
  component_id: Uuid
  from_version_id: Uuid
  to_version_id: Uuid
  direct: boolean
  upgrade_type: UpgradeType
  requires_downtime: boolean
  estimated_duration_minutes: number | null
  risk_level: RiskLevel
  tested: boolean
  notes: string | null
  pre_upgrade_steps: string[]
  upgrade_steps: string[]
  post_upgrade_steps: string[]
  rollback_steps: string[]
  validation_steps: string[]
  created_at: Date
}

type Tables = { components: ComponentRow; component_versions: VersionRow; upgrade_paths: PathRow }

/** The tables of this feature. */
export const tables = (db: Db) => (db as Kysely<unknown>).withTables<Tables>()

/** A place in a list: the value that it is ordered by, and the id. */
export type Place = { readonly value: string; readonly id: Uuid }

/** A part of a list in an order; one with a `-` is descending. */
export type Page<Order extends string> = { readonly after: Place | null; readonly limit: number; readonly order: Order }

/** The columns that lists are ordered by, and their types. */
const orderTypes = { created_at: 'timestamptz', name: 'text' } as const
export type OrderColumn = keyof typeof orderTypes

/** Rows behind a place, in the order of a column and then the id; all of them without a place. */
export function behind(column: OrderColumn, { after, order }: Page<string>): RawBuilder<SqlBool> {
  if (after === null) return sql<SqlBool>`true`
  const comparison = sql.raw(order.startsWith('-') ? '<' : '>')
  const value = sql`${after.value}::${sql.raw(orderTypes[column])}`
  return sql<SqlBool>`(${sql.ref(column)}, id) ${comparison} (${value}, ${after.id}::uuid)`
}

/** The direction of an order. */
export const directionOf = (order: string): 'asc' | 'desc' => (order.startsWith('-') ? 'desc' : 'asc')

/** Rows in which one of the columns contains the text, whatever its case. */
export function contains(columns: readonly string[], text: string): RawBuilder<SqlBool> {
  const all = sql.join(columns.map((column) => sql.ref(column)))
  return sql<SqlBool>`strpos(lower(concat_ws(' ', ${all})), lower(${text})) > 0`
}

/** A column that is one of these ids. */
export const anyOf = (ids: readonly Uuid[]): RawBuilder<Uuid> => sql<Uuid>`any(${[...ids]}::uuid[])`
