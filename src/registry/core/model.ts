import type { Instant } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'

/** Where a component answers that it is well. Without one, readiness decides. */
export type HealthEndpoint = { readonly path: string; readonly port: number }

/** A part of the product that tenants run and that is upgraded as one: its chart names its releases (SPEC section 4). */
export type Component = {
  readonly id: Uuid
  readonly name: string
  /** Free text such as QUERY_ENGINE. */
  readonly category: string
  readonly chartName: string
  readonly healthEndpoint: HealthEndpoint | null
  readonly description: string | null
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

export const versionStatuses = ['DEVELOPMENT', 'BETA', 'STABLE', 'DEPRECATED', 'END_OF_LIFE'] as const
export type VersionStatus = (typeof versionStatuses)[number]

/** A day of the calendar, `2026-01-31`: it has no time zone. */
export type CalendarDay = string

/** One version of a component. `version` never changes: paths and dependencies are judged by it. */
export type Version = {
  readonly id: Uuid
  readonly componentId: Uuid
  readonly version: string
  readonly status: VersionStatus
  readonly description: string | null
  readonly releaseNotes: string | null
  readonly releaseDate: CalendarDay | null
  readonly endOfSupportDate: CalendarDay | null
  readonly endOfLifeDate: CalendarDay | null
  readonly dockerImage: string | null
  /** The chart version that releases of this version run. */
  readonly helmChartVersion: string
  /** The platform versions that it runs on, both ends included; null is open. */
  readonly minPlatformVersion: string | null
  readonly maxPlatformVersion: string | null
  readonly lts: boolean
  /** At most one of a component. */
  readonly recommended: boolean
  /** Name of a component to the range that its version must be in. */
  readonly dependencies: Readonly<Record<string, string>>
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

export const upgradeTypes = ['PATCH', 'MINOR', 'MAJOR'] as const
export type UpgradeType = (typeof upgradeTypes)[number]
export const riskLevels = ['LOW', 'MEDIUM', 'HIGH'] as const
export type RiskLevel = (typeof riskLevels)[number]

/** The lists of what people do around a step, in their order. */
export const stepLists = [
  'preUpgradeSteps',
  'upgradeSteps',
  'postUpgradeSteps',
  'rollbackSteps',
  'validationSteps',
] as const
export type StepLists = Readonly<Record<(typeof stepLists)[number], readonly string[]>>

/** What a route is ranked by and warned of. */
export type Edge = {
  readonly id: Uuid
  readonly fromVersionId: Uuid
  readonly toVersionId: Uuid
  readonly requiresDowntime: boolean
  /** Null: nobody has said. */
  readonly estimatedDurationMinutes: number | null
  readonly riskLevel: RiskLevel
  readonly tested: boolean
}

/** An edge of the upgrade graph: one step, always to a newer version of the same component. */
export type UpgradePath = Edge &
  StepLists & {
    readonly componentId: Uuid
    readonly fromVersion: string
    readonly toVersion: string
    /** A note of the author; routes go over every edge. */
    readonly direct: boolean
    readonly upgradeType: UpgradeType
    readonly notes: string | null
    readonly createdAt: Instant
  }
