import { z } from 'zod'
import type { Json } from '../../core/json.ts'
import { problemCatalogue } from '../../core/problems.ts'
import { time, uuid } from '../../infra/http/schemas.ts'
import { releaseStatuses } from '../core/model.ts'
import { valuesModes } from '../core/values.ts'
import { operationStatuses } from '../views.ts'

const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/

/** Helm's own rule for release names: a DNS subdomain of at most 53 characters. */
export const releaseName = z
  .string()
  .max(53)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, 'must be a DNS name in lower case')
export const namespaceName = z.string().max(63).regex(dnsLabel, 'must be a DNS label in lower case')
/** A name, never a path or URL (SECURITY.md). */
export const chartName = z
  .string()
  .max(250)
  .regex(/^[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?$/, 'must be the name of a chart')
export const chartVersion = z
  .string()
  .max(128)
  .regex(/^v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/, 'must be a semantic version such as 1.2.0')
export const releaseStatus = z.enum(releaseStatuses)

/** Any JSON value, in the read-only words of this code base. */
const json = z.json() as unknown as z.ZodType<Json>
const valuesOverride = z.record(z.string(), json)
const revisionNumber = z.int().min(1).max(2_147_483_647)
const text = z.string().max(500)

const timeout = z.int().min(1).max(86_400).describe('Seconds for hooks and waiting together; default 300.')
const waits = {
  timeout: timeout.optional(),
  wait: z.boolean().optional().describe('Default true: DEPLOYED means that the workloads are ready.'),
  waitForJobs: z.boolean().optional().describe('Also wait for plain Jobs; needs wait.'),
}
const deploys = {
  ...waits,
  appVersion: z.string().min(1).max(128).optional().describe('A recorded label; by default the one of the chart.'),
  description: text.optional(),
  atomic: z.boolean().optional().describe('Undo by itself what failed; default false.'),
  reason: text.optional(),
}

/** `waitForJobs` adds to a wait: without one it is refused (SPEC section 3). */
export function needsWait(
  context: z.core.ParsePayload<{ wait?: boolean | undefined; waitForJobs?: boolean | undefined }>,
) {
  if (context.value.waitForJobs === true && context.value.wait === false) {
    context.issues.push({ code: 'custom', path: ['waitForJobs'], message: 'needs wait', input: context.value })
  }
}

export const installBody = z
  .strictObject({
    tenantId: uuid,
    releaseName,
    namespace: namespaceName,
    chartName,
    chartVersion,
    valuesOverride: valuesOverride.optional(),
    ...deploys,
  })
  .check(needsWait)
  .meta({ id: 'InstallRequest' })

export const upgradeBody = z
  .strictObject({
    chartVersion: chartVersion.optional(),
    valuesOverride: valuesOverride.optional(),
    valuesMode: z
      .enum(valuesModes)
      .optional()
      .describe('merge (default) keeps the stored overrides, replace drops them.'),
    forceConflicts: z.boolean().optional(),
    ifRevision: revisionNumber.optional().describe('Refused with 409 when the release is at another revision.'),
    ifDiffHash: z
      .string()
      .max(128)
      .optional()
      .describe(
        'The hash of a dry run of the same body; refused with 409 when the change is another. With `forceConflicts` it covers ' +
          'the `conflicts` too: which fields are taken, from whom, and what stood there.',
      ),
    ...deploys,
  })
  .check(needsWait)
  .check((context) => {
    const { chartVersion: version, valuesOverride: values } = context.value
    if (version !== undefined || values !== undefined) return
    context.issues.push({
      code: 'custom',
      path: [],
      message: 'needs chartVersion, valuesOverride or both',
      input: context.value,
    })
  })
  .meta({ id: 'UpgradeRequest' })

const rollbackFields = {
  ...waits,
  description: text.optional(),
  reason: text.optional(),
  ifRevision: revisionNumber.optional(),
  hooks: z
    .boolean()
    .optional()
    .describe('`false` runs no hooks of the chart, as `helm rollback --no-hooks` does: for one that fails every time.'),
}
export const rollbackBody = z
  .strictObject({ targetRevision: revisionNumber, ...rollbackFields })
  .check(needsWait)
  .meta({ id: 'RollbackRequest' })
export const lastSuccessfulBody = z.strictObject(rollbackFields).check(needsWait).meta({ id: 'LastSuccessfulRequest' })
export const batchBody = z
  .strictObject({ ...waits, atomic: z.boolean().optional(), reason: text.optional() })
  .check(needsWait)
  .meta({ id: 'BatchUpgradeRequest' })
export const unfreezeBody = z
  .strictObject({ timeout: timeout.optional(), reason: text.optional() })
  .meta({ id: 'UnfreezeRequest' })
export const cancelBody = z.strictObject({ reason: text.optional() }).meta({ id: 'CancelRequest' })
export const recoverBody = z
  .strictObject({ force: z.boolean().optional(), dryRun: z.boolean().optional(), reason: text.optional() })
  .meta({ id: 'RecoverRequest' })

const waiting = z
  .strictObject({
    reason: z.string(),
    until: time
      .nullable()
      .describe('When it is looked at again; null: at no set time, but whenever something of it changes.'),
    detail: z.string().optional(),
  })
  .nullable()
const frozenVersions = z
  .record(z.string(), z.int())
  .describe('How many pods run which version. 0: Helm has applied it, and no pod runs it yet.')

const listed = {
  id: z.uuid(),
  tenantId: z.uuid(),
  clusterId: z.uuid(),
  releaseName: z.string(),
  namespace: z.string(),
  chartName: z.string(),
  chartVersion: z.string(),
  attemptedChartVersion: z.string().nullable(),
  appVersion: z.string().nullable(),
  status: releaseStatus,
  revision: z.int(),
  description: z.string().nullable(),
  health: z.strictObject({ ready: z.int(), total: z.int(), observedAt: time }).nullable(),
  currentOperationId: z.uuid().nullable(),
  executionId: z.uuid().nullable(),
  waitingFor: waiting,
  pendingBy: z.literal('external').nullable(),
  frozen: z.strictObject({ executionId: z.uuid(), versions: frozenVersions }).nullable(),
  leftovers: z.array(z.strictObject({ kind: z.string(), name: z.string(), why: z.string() })),
  performedBy: z.string(),
  createdAt: time,
  updatedAt: time,
}
export const listedRelease = z.strictObject(listed).meta({ id: 'ListedRelease' })
export const release = z.strictObject({ ...listed, valuesOverride: z.record(z.string(), json) }).meta({ id: 'Release' })

export const historyEntry = z
  .strictObject({
    revision: z.int(),
    chartVersion: z.string(),
    appVersion: z.string().nullable(),
    status: releaseStatus,
    description: z.string().nullable(),
    performedBy: z.string(),
    createdAt: time,
    current: z.boolean(),
  })
  .meta({ id: 'HistoryEntry' })

export const revisionView = z
  .strictObject({
    revision: z.int(),
    chartVersion: z.string(),
    status: releaseStatus,
    values: json,
    manifest: z.string(),
  })
  .meta({ id: 'Revision' })
export const diffView = z
  .strictObject({ values: z.string(), manifest: z.string(), hash: z.string() })
  .meta({ id: 'Diff', description: 'Unified diffs, redacted, and a hash of what they were made of.' })

/** What the values of a field conflict are, wherever one shows. */
export const conflictValues =
  'null is what is not there, `***` what may not show: values of Secrets, environment variables and marked fields, also within ' +
  'lists and maps. Texts over 200 characters, and lists and maps over 500 of JSON, are a text of so much around the place where the ' +
  'two begin to differ, with `…` where it was cut.'

export const upgradePreview = diffView
  .extend({
    conflicts: z
      .array(z.strictObject({ object: z.string(), field: z.string(), manager: z.string(), live: json, wanted: json }))
      .describe(
        'Fields that another manager owns: without `forceConflicts` the upgrade ends with `field_conflict`. `live` and `wanted` ' +
          `are any JSON; ${conflictValues}`,
      ),
  })
  .meta({
    id: 'UpgradePreview',
    description:
      'What an upgrade would change of the revision that Helm compares with: its newest that is deployed, or, where none is, its newest.',
  })

export const operation = z
  .strictObject({
    id: z.uuid(),
    kind: z.string(),
    releaseId: z.uuid().nullable(),
    parentId: z.uuid().nullable(),
    executionId: z.uuid().nullable().describe('The upgrade execution that gave it and says how it ends.'),
    status: z.enum(operationStatuses),
    waitingFor: waiting,
    result: json,
    error: json,
    performedBy: z.string(),
    reason: z.string().nullable(),
    createdAt: time,
    startedAt: time.nullable(),
    endedAt: time.nullable(),
  })
  .meta({ id: 'Operation' })

const codes = Object.keys(problemCatalogue) as [keyof typeof problemCatalogue, ...(keyof typeof problemCatalogue)[]]
export const batchResult = z
  .strictObject({
    targetVersion: z.string(),
    upgraded: z.array(listedRelease),
    failed: z.array(
      z.strictObject({ release: listedRelease, code: z.enum(codes), detail: z.string(), operationId: z.uuid() }),
    ),
    skipped: z.array(z.strictObject({ release: listedRelease, reason: z.string() })),
  })
  .meta({ id: 'BatchResult' })

export const summary = z
  .strictObject({
    total: z.int(),
    byStatus: z.strictObject(
      Object.fromEntries(releaseStatuses.map((s) => [s, z.int()])) as Record<
        (typeof releaseStatuses)[number],
        z.ZodInt
      >,
    ),
    byChart: z.record(z.string(), z.int()),
  })
  .meta({ id: 'ReleaseSummary' })

/** The answer to `Prefer: respond-async`. */
export const accepted = {
  description: 'Accepted; poll the operation',
  schema: z.strictObject({ operationId: z.uuid() }).meta({ id: 'Accepted' }),
  headers: { Location: 'The operation' },
} as const
