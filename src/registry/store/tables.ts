import { type ColumnType, type Kysely, type RawBuilder, sql } from 'kysely'
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

/** A column that is one of these ids. */
export const anyOf = (ids: readonly Uuid[]): RawBuilder<Uuid> => sql<Uuid>`any(${[...ids]}::uuid[])`
