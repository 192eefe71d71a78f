import { z } from 'zod'
import type { Json } from '../../core/json.ts'
import { time, uuid } from '../../infra/http/schemas.ts'
import { coerceVersion } from '../../registry/index.ts'
import {
  checkNames,
  executionStatuses,
  instanceStatuses,
  postCheckNames,
  type RehearsalFaults,
  strategies,
  workloadKinds,
} from '../core/model.ts'

export const reason = z.string().max(500).optional().describe('Kept with the execution and in the audit log.')
const seconds = (min: number, max: number) => z.int().min(min).max(max)
const percentage = z.int().min(1).max(100)
const index = z.int().min(0).max(9_999)
const indexes = z.array(index).max(10_000).optional()

const faults = z
  .strictObject({
    neverReady: indexes.describe('Never become ready on the target version.'),
    turnsBad: z
      .array(z.strictObject({ index, afterSeconds: seconds(0, 86_400) }))
      .max(10_000)
      .optional()
      .describe('Become ready on the target version, and turn bad so many seconds later.'),
    neverDrains: indexes.describe('Their disruption budget never lets them go.'),
    unreadyBefore: indexes.describe('Are not ready before anything is touched.'),
    neverReverts: indexes.describe('Never become ready again on the previous version, once they have left it.'),
    deployFails: z.boolean().optional(),
    readySeconds: seconds(0, 86_400).optional().describe('Seconds until an instance is ready; default 2.'),
  })
  .meta({
    id: 'RehearsalFaults',
    description: 'What goes wrong in a rehearsal, by the index of the instance.',
  }) as unknown as z.ZodType<RehearsalFaults>

const workload = z.strictObject({ kind: z.enum(workloadKinds), name: z.string().min(1).max(253) })
const target = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('workload'),
      releaseId: uuid,
      workload: workload.extend({ kind: workload.shape.kind.optional() }).optional(),
    }),
    z.strictObject({
      kind: z.literal('releases'),
      releaseIds: z
        .array(uuid)
        .min(1)
        .max(1_000)
        .refine((ids) => new Set(ids).size === ids.length, 'must name each release once'),
    }),
    z.strictObject({ kind: z.literal('rehearsal'), faults: faults.optional() }),
  ])
  .describe('What is upgraded, when the tenant and the component do not make it clear; or a rehearsal.')

const installedComponents = z
  .record(
    z.string().max(200),
    z
      .string()
      .max(100)
      .refine((text) => coerceVersion(text) !== null, 'must be a version such as 1.2.3 or 16.1'),
  )
  .describe('Name of a component to its version; each overrides what Flotilla knows of the tenant.')

/** `seeds/004`, "UpgradeRequest Structure", with the ranges of SPEC section 5. */
export const upgradeRequest = z
  .strictObject({
    componentId: uuid,
    fromVersionId: uuid,
    toVersionId: uuid,
    strategy: z.enum(strategies).default('ROLLING'),
    canaryPercentage: percentage.default(10),
    batchSize: z.int().min(1).max(1_000).default(5),
    batchDelaySeconds: seconds(0, 86_400).default(60),
    healthCheckIntervalSeconds: seconds(1, 3_600).default(30),
    healthCheckTimeoutSeconds: seconds(1, 86_400).default(300).describe('At least twice the interval.'),
    maxUnavailablePercentage: percentage.default(25),
    totalInstances: z.int().min(1).max(10_000).optional().describe('Refused when it is not what is found.'),
    autoRollbackEnabled: z.boolean().default(false),
    failureThreshold: z.int().min(1).max(10_000).default(3),
    initiatedBy: z.string().max(200).optional().describe('A label: who initiated it is taken from the token.'),
    installedComponents: installedComponents.optional(),
    target: target.optional(),
    overrideChecks: z
      .array(z.strictObject({ check: z.enum(checkNames), reason: z.string().trim().min(1).max(500) }))
      .max(checkNames.length)
      .optional()
      .describe('Pre-checks that may fail; for platform admins.'),
    reason,
  })
  .check(({ value, issues }) => {
    const fits = value.healthCheckTimeoutSeconds >= 2 * value.healthCheckIntervalSeconds
    if (fits || issues.length > 0) return
    const message = 'must be at least twice healthCheckIntervalSeconds'
    issues.push({ code: 'custom', path: ['healthCheckTimeoutSeconds'], message, input: value })
  })
  .meta({ id: 'UpgradeExecutionRequest' })
export type UpgradeRequest = z.output<typeof upgradeRequest>

/** Any JSON value, in the read-only words of this code base. */
const json = z.json() as unknown as z.ZodType<Json>
const waiting = z.strictObject({ reason: z.string(), until: time.nullable(), detail: z.string().optional() }).nullable()
const status = z.enum(executionStatuses)
export const executionStatus = status

const instance = z
  .strictObject({
    id: z.uuid().describe('Of the place: it outlives its pods.'),
    index: z.int(),
    status: z.enum(instanceStatuses),
    version: z.string().nullable(),
    origin: z.enum(['TARGET', 'CLUSTER']),
    currentPod: z.string().nullable(),
    previousPods: z.array(z.string()),
    unchanged: z.boolean(),
    message: z.string().nullable(),
    startedAt: time.nullable(),
    endedAt: time.nullable(),
  })
  .meta({ id: 'UpgradeInstance' })

const check = z.strictObject({
  name: z.enum([...checkNames, ...postCheckNames]),
  phase: z.enum(['PRE', 'POST']),
  status: z.enum(['PENDING', 'PASSED', 'FAILED', 'WARNING', 'OVERRIDDEN']),
  message: z.string(),
  evidence: json,
})

const rollbackInfo = z
  .strictObject({
    autoRollbackEnabled: z.boolean(),
    failureThreshold: z.int(),
    currentFailures: z.int(),
    rollbackReason: z.string().nullable(),
    rollbackInitiatedAt: time.nullable(),
    rollbackInitiatedBy: z.string().nullable(),
    rolledBackInstances: z.array(z.uuid()),
  })
  .meta({ id: 'RollbackInfo' })

const count = z.int().min(0)
const listed = {
  id: z.uuid(),
  tenantId: z.uuid(),
  componentId: z.uuid(),
  fromVersionId: z.uuid(),
  fromVersion: z.string(),
  toVersionId: z.uuid(),
  toVersion: z.string(),
  strategy: z.enum(strategies),
  canaryPercentage: z.int(),
  batchSize: z.int(),
  batchDelaySeconds: z.int(),
  healthCheckIntervalSeconds: z.int(),
  healthCheckTimeoutSeconds: z.int(),
  maxUnavailablePercentage: z.int(),
  totalInstances: z.int().describe('What initiate found.'),
  autoRollbackEnabled: z.boolean(),
  failureThreshold: z.int(),
  initiatedBy: z.string().describe('From the token.'),
  initiatedByLabel: z.string().nullable().describe('What the request said.'),
  installedComponents: z.record(z.string(), z.string()).nullable(),
  overrideChecks: z.array(z.strictObject({ check: check.shape.name, reason: z.string() })),
  reason: z.string().nullable(),
  status,
  statusReason: z.string().nullable(),
  waitingFor: waiting,
  target: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('workload'), releaseId: z.uuid(), workload }),
    z.strictObject({ kind: z.literal('releases'), releaseIds: z.array(z.uuid()) }),
    z.strictObject({ kind: z.literal('rehearsal'), faults }),
  ]),
  currentInstances: z.int().describe('What is there now: budgets follow it.'),
  canaryInstances: z.int(),
  currentBatch: z.int(),
  progress: z.strictObject({
    ...{ total: count, pending: count, inFlight: count, completed: count, failed: count, rolledBack: count },
  }),
  checks: z.array(check),
  warnings: z.array(z.strictObject({ code: z.string(), message: z.string() })),
  rollbackInfo,
  transitions: z.array(
    z.strictObject({ from: status, to: status, at: time, by: z.string(), reason: z.string().nullable() }),
  ),
  approvals: z.array(z.strictObject({ by: z.string(), at: time, batch: z.int(), reason: z.string().nullable() })),
  rehearsal: z.boolean(),
  createdAt: time,
  startedAt: time.nullable(),
  endedAt: time.nullable(),
}
export const listedExecution = z.strictObject(listed).meta({ id: 'ListedUpgradeExecution' })
export const execution = z.strictObject({ ...listed, instances: z.array(instance) }).meta({ id: 'UpgradeExecution' })

export const statistics = z
  .strictObject({
    componentId: z.uuid(),
    totalExecutions: count,
    successfulExecutions: count,
    failedExecutions: count,
    successRate: z.number().min(0).max(100),
    averageDurationSeconds: z.number().min(0),
  })
  .meta({ id: 'UpgradeStatistics' })

export const backupRequest = z
  .strictObject({
    namespace: z
      .string()
      .max(63)
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be a DNS label in lower case'),
    takenAt: z.iso.datetime({ offset: true }),
    reference: z.string().trim().min(1).max(500).describe('Where it is found again.'),
    reason,
  })
  .meta({ id: 'NewBackup' })
export const backup = z
  .strictObject({
    id: z.uuid(),
    tenantId: z.uuid(),
    namespace: z.string(),
    takenAt: time,
    reference: z.string(),
    recordedBy: z.string(),
    createdAt: time,
  })
  .meta({ id: 'Backup' })
