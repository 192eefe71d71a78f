import { compare, valid } from 'semver'
import type { Principal, Uuid } from '../../core/subject.ts'
import { wake } from '../../infra/engine/index.ts'
import type { Batch, BatchOptions } from '../batch/core.ts'
import { shareOf } from '../batch/machine.ts'
import { insertBatch } from '../batch/store.ts'
import type { ReleaseDeps } from '../deps.ts'
import { versionsOf } from '../store/counts.ts'
import { type AtVersions, type ReleaseListing, releasesAtVersions } from '../store/lists.ts'
import { recordBatch } from '../store/record.ts'
import { accepting } from './accepting.ts'
import { auditAccepted } from './audit.ts'
import { type CommandCall, scopeOf } from './context.ts'
import { type OperationOptions, optionsOf } from './options.ts'
import { requireQueued } from './queue-limit.ts'

export type BatchBody = Pick<OperationOptions, 'timeout' | 'wait' | 'waitForJobs' | 'atomic'>
export type BatchTarget = { readonly chart: string; readonly targetVersion: string; readonly concurrency: number }

/** The versions of a chart that releases run, of those the caller may see, which are older than the target by semver order. */
export async function olderThan(
  { db }: Pick<ReleaseDeps, 'db'>,
  principal: Principal,
  chart: string,
  targetVersion: string,
): Promise<AtVersions> {
  const versions = Object.keys(await versionsOf(db, scopeOf(principal), chart))
  const isOlder = (version: string) => valid(version) !== null && compare(version, targetVersion) < 0
  return { chart, versions: versions.filter(isOlder) }
}

/** The releases of a chart, of those the caller may see, that run a version older than the target, oldest first. */
export async function needingUpgrade(
  deps: ReleaseDeps,
  { principal }: Pick<CommandCall, 'principal'>,
  chart: string,
  targetVersion: string,
): Promise<readonly ReleaseListing[]> {
  return releasesAtVersions(deps.db, scopeOf(principal), await olderThan(deps, principal, chart, targetVersion))
}

/** Accepts a batch upgrade. Answers the id of its operation. An unknown chart or version is 404 before anything starts. */
export async function batchUpgrade(
  deps: ReleaseDeps,
  call: CommandCall,
  target: BatchTarget,
  body: BatchBody,
): Promise<Uuid> {
  const { digest, version, appVersion, hasHooks } = await deps.ports.charts.resolve(target.chart, target.targetVersion)
  const releases = await needingUpgrade(deps, call, target.chart, target.targetVersion)
  const resolved = { digest, version, appVersion, hasHooks }
  const batch = newBatch(deps, call, { ...target, resolved }, batchOptions(body), releases)
  const now = deps.clock.now()
  await accepting(deps, batch.id, async (tx) => {
    await insertBatch(tx, batch, new Date(now))
    const data = {
      operationId: batch.id,
      chartName: batch.chart,
      targetVersion: batch.targetVersion,
      releases: releases.length,
    }
    await recordBatch(tx, batch, [{ type: 'batch.requested', data }], now)
    await wake(tx, { kind: 'batch', id: batch.id }, { share: shareOf(batch) })
    const accepted = {
      action: 'release.batch-upgrade',
      subject: `batch/${batch.id}`,
      tenantId: batch.tenantId,
    } as const
    await auditAccepted(tx, deps, call, { ...accepted, operationId: batch.id })
    await call.onAccept(tx, batch.id)
    await requireQueued(tx, batch.tenantId)
  })
  return batch.id
}

function batchOptions(body: BatchBody): BatchOptions {
  const { timeoutSeconds, wait, waitForJobs, atomic } = optionsOf(body)
  return { timeoutSeconds, wait, waitForJobs, atomic }
}

function newBatch(
  deps: ReleaseDeps,
  call: CommandCall,
  target: BatchTarget & Pick<Batch, 'resolved'>,
  options: BatchOptions,
  releases: readonly ReleaseListing[],
): Batch {
  const todo = { status: 'todo', code: null, detail: null } as const
  return {
    ...target,
    id: deps.newId(),
    tenantId: oneTenant(releases),
    options,
    items: releases.map(({ id }) => ({ ...todo, releaseId: id, operationId: deps.newId() })),
    starting: null,
    cancelRequested: false,
    performedBy: call.principal.name,
    principalId: call.principal.id,
    reason: call.reason,
    startedAt: null,
    endedAt: null,
    outcome: null,
    seq: 0n,
    version: 0,
  }
}

/** The tenant of a batch that concerns one only; a wider one is seen by who asked for it and by platform admins. */
function oneTenant(releases: readonly ReleaseListing[]): Uuid | null {
  const tenants = new Set(releases.map((release) => release.tenant_id))
  return tenants.size === 1 ? (releases[0]?.tenant_id ?? null) : null
}
