import { valid, validRange } from 'semver'
import { z } from 'zod'
import { chartNamePattern } from '../../charts/index.ts'
import { time, uuid } from '../../infra/http/schemas.ts'
import { blockerCodes, warningCodes } from '../core/compatibility.ts'
import { riskLevels, upgradeTypes, versionStatuses } from '../core/model.ts'
import { coerceVersion } from '../core/versions.ts'

const note = (max: number) => z.string().max(max)
const name = z.string().trim().min(1).max(200)
export const category = z.string().trim().min(1).max(100)
export const chartName = z.string().max(250).regex(chartNamePattern, 'must be the name of a chart')
const reason = z.string().max(500).optional().describe('Kept in the audit log.')

/** A version of a platform or of a component that runs: 16.1 is 16.1.0. */
const looseVersion = z
  .string()
  .max(100)
  .refine((text) => coerceVersion(text) !== null, 'must be a version such as 1.2.3 or 16.1')
const noSemver = 'must be a semantic version such as 1.2.0'
const semver = z
  .string()
  .max(128)
  .regex(/^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/, { message: noSemver, abort: true })
  .refine((text) => valid(text) !== null, noSemver)
const chartVersion = z
  .string()
  .max(128)
  .refine((text) => valid(text) !== null, noSemver)
const range = z
  .string()
  .min(1)
  .max(200)
  .refine((text) => validRange(text) !== null, 'must be a range of semantic versions such as >=1.2.0 <2.0.0')

/** A day, or a moment of it: of that the day in UTC is kept. */
const day = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })])
  .transform((text) => new Date(text).toISOString().slice(0, 10))
  .refine((text) => /^(?!0000)\d{4}-/.test(text), 'must be a day of the years 1 to 9999')
  .describe('A day such as 2026-01-31.')

const healthEndpoint = z
  .strictObject({
    path: z
      .string()
      .max(200)
      .regex(/^\/[A-Za-z0-9._~/-]*$/, 'must begin with / and hold letters, digits and . _ ~ - / only')
      .refine((path) => !/\.\.|\/\//.test(path), 'must not hold .. or //'),
    port: z.int().min(1).max(65_535),
  })
  .meta({ id: 'HealthEndpoint' })

/** A patch that gives nothing is a mistake. */
function givesSomething(context: z.core.ParsePayload<Readonly<Record<string, unknown>>>): void {
  if (context.issues.length > 0 || Object.keys(context.value).some((field) => field !== 'reason')) return
  context.issues.push({ code: 'custom', path: [], message: 'must give at least one field', input: context.value })
}

const componentNotes = {
  healthEndpoint: healthEndpoint
    .nullable()
    .optional()
    .describe('Where the component answers that it is well. Without it readiness decides.'),
  description: note(2000).nullable().optional(),
  reason,
}
export const newComponent = z
  .strictObject({ name, category, chartName, ...componentNotes })
  .meta({ id: 'NewComponent' })
export const componentPatch = z
  .strictObject({
    name: name.optional(),
    category: category.optional(),
    chartName: chartName.optional(),
    ...componentNotes,
  })
  .check(givesSomething)
  .meta({ id: 'ComponentPatch', description: 'Fields that are given change; null clears.' })
export const component = z
  .strictObject({
    id: z.uuid(),
    name: z.string(),
    category: z.string(),
    chartName: z.string(),
    healthEndpoint: z.strictObject({ path: z.string(), port: z.int() }).nullable(),
    description: z.string().nullable(),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Component' })

const dependencies = z
  .record(name, range)
  .refine((map) => Object.keys(map).length <= 100, 'may have at most 100 entries')
  .describe('Name of a component to the range that its version must be in.')
const versionNotes = {
  description: note(2000).nullable().optional(),
  releaseNotes: note(65_536).nullable().optional(),
  releaseDate: day.nullable().optional(),
  endOfSupportDate: day.nullable().optional(),
  endOfLifeDate: day.nullable().optional(),
  dockerImage: z.string().max(500).regex(/^\S+$/, 'must be an image reference').nullable().optional(),
  helmChartVersion: chartVersion
    .nullable()
    .optional()
    .describe('The chart version that releases of this version run; by default the version itself.'),
  minPlatformVersion: looseVersion.nullable().optional(),
  maxPlatformVersion: looseVersion.nullable().optional().describe('The end is included.'),
  lts: z.boolean().optional(),
  recommended: z.boolean().optional().describe('At most one of a component: another that is loses it.'),
  dependencies: dependencies.optional(),
  reason,
}
export const versionStatus = z.enum(versionStatuses)
export const newVersion = z
  .strictObject({ version: semver, status: versionStatus.default('DEVELOPMENT'), ...versionNotes })
  .meta({ id: 'NewVersion' })
export const versionPatch = z
  .strictObject({ status: versionStatus.optional(), ...versionNotes })
  .check(givesSomething)
  .meta({ id: 'VersionPatch', description: 'Fields that are given change; null clears. The number stays.' })
const shownDay = z.iso.date().nullable()
export const version = z
  .strictObject({
    id: z.uuid(),
    componentId: z.uuid(),
    version: z.string(),
    status: versionStatus,
    description: z.string().nullable(),
    releaseNotes: z.string().nullable(),
    releaseDate: shownDay,
    endOfSupportDate: shownDay,
    endOfLifeDate: shownDay,
    dockerImage: z.string().nullable(),
    helmChartVersion: z.string(),
    minPlatformVersion: z.string().nullable(),
    maxPlatformVersion: z.string().nullable(),
    lts: z.boolean(),
    recommended: z.boolean(),
    dependencies: z.record(z.string(), z.string()),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'ComponentVersion' })

const steps = z.array(z.string().min(1).max(2000)).max(100).default([])
const otherEnd = 'must be another version than fromVersionId'
/** The two ends of a step or of a route are two. */
function needsTwoEnds(context: z.core.ParsePayload<{ readonly fromVersionId: string; readonly toVersionId: string }>) {
  if (context.value.fromVersionId !== context.value.toVersionId) return
  context.issues.push({ code: 'custom', path: ['toVersionId'], message: otherEnd, input: context.value })
}
export const newPath = z
  .strictObject({
    fromVersionId: uuid,
    toVersionId: uuid.describe('A newer version of the same component.'),
    direct: z.boolean().default(true).describe('A note of the author: routes go over every edge.'),
    requiresDowntime: z.boolean().default(false),
    estimatedDurationMinutes: z.int().min(0).max(525_600).nullable().default(null),
    riskLevel: z
      .enum(riskLevels)
      .nullable()
      .default(null)
      .describe('By default LOW for a PATCH, MEDIUM for a MINOR, HIGH for a MAJOR upgrade.'),
    tested: z.boolean().default(false),
    notes: note(10_000).nullable().default(null),
    preUpgradeSteps: steps,
    upgradeSteps: steps,
    postUpgradeSteps: steps,
    rollbackSteps: steps,
    validationSteps: steps,
    reason,
  })
  .check(needsTwoEnds)
  .meta({ id: 'NewUpgradePath' })
const shownSteps = z.array(z.string())
export const path = z
  .strictObject({
    id: z.uuid(),
    componentId: z.uuid(),
    fromVersionId: z.uuid(),
    fromVersion: z.string(),
    toVersionId: z.uuid(),
    toVersion: z.string(),
    direct: z.boolean(),
    upgradeType: z.enum(upgradeTypes),
    requiresDowntime: z.boolean(),
    estimatedDurationMinutes: z.int().nullable(),
    riskLevel: z.enum(riskLevels),
    tested: z.boolean(),
    notes: z.string().nullable(),
    preUpgradeSteps: shownSteps,
    upgradeSteps: shownSteps,
    postUpgradeSteps: shownSteps,
    rollbackSteps: shownSteps,
    validationSteps: shownSteps,
    createdAt: time,
  })
  .meta({ id: 'UpgradePath' })

export const route = z
  .strictObject({
    steps: z.int().min(1),
    versions: z.array(z.string()).describe('From the first to the last.'),
    upgradeType: z.enum(upgradeTypes),
    riskLevel: z.enum(riskLevels).describe('The highest of its steps.'),
    requiresDowntime: z.boolean(),
    estimatedDurationMinutes: z.int().nullable().describe('Null where a step has none.'),
    tested: z.boolean().describe('Every step is.'),
    path: z.array(path),
  })
  .meta({ id: 'UpgradeRoute' })

export const pathQuestion = z
  .strictObject({
    componentId: uuid,
    fromVersionId: uuid,
    toVersionId: uuid,
    installedComponents: z
      .record(name, looseVersion)
      .refine((map) => Object.keys(map).length <= 1000, 'may have at most 1000 entries')
      .default({})
      .describe('Name of a component to its version; each overrides what the releases of the tenant say.'),
    tenantId: uuid.optional().describe('Whose releases and platform version count.'),
  })
  .check(needsTwoEnds)
  .meta({ id: 'PathValidationRequest' })
export const verdict = z
  .strictObject({
    valid: z.boolean(),
    blockers: z.array(
      z.strictObject({
        code: z.enum(blockerCodes),
        message: z.string(),
        component: z.string().optional(),
        required: z.string().optional(),
        installed: z.array(z.string()).optional(),
      }),
    ),
    warnings: z.array(z.strictObject({ code: z.enum(warningCodes), message: z.string() })),
    path: z.array(path).describe('The steps of the best route; empty where there is none.'),
  })
  .meta({ id: 'PathValidation' })
