import { Problem } from '../../core/problems.ts'
import type { Tx } from '../../infra/database/types.ts'
import { announceEnd, type Change, executeOn, fleetShare, type Share } from '../../infra/engine/index.ts'
import type { NewOperation, ReleaseState } from '../core/model.ts'
import { nextValues } from '../core/values.ts'
import type { BatchMachine, ReleaseDeps } from '../deps.ts'
import { type Batch, type BatchItem, decideBatch, itemsToLookAt } from './core.ts'
import { loadBatch, lookAtItems, reasonToSkip, saveBatch } from './store.ts'

/**
 * The machine of batch upgrades. It acts on no cluster: a release gets its upgrade in the transaction that says it has
 * begun, and goes on by itself.
 */
export function batchMachine(deps: ReleaseDeps): BatchMachine {
  return {
    kind: 'batch',
    share: shareOf,
    decide: decideBatch,
    load: loadBatch,
    save: (tx, change) => save(deps, tx, change),
    mustAbort: () => false,
    observe: (batch) =>
      lookAtItems(deps.db, deps.states, batch.endedAt === null ? itemsToLookAt(batch) : [], batch.targetVersion),
    acts: {},
  }
}

/** Whoever waits for the batch is told of its end in the same transaction. */
async function save(deps: ReleaseDeps, tx: Tx, change: Change<Batch>): Promise<void> {
  const { before, after } = change
  await saveBatch(tx, change, deps.clock.now())
  if (after.starting !== null) await startOne(deps, tx, after, after.starting)
  if (before.endedAt === null && after.endedAt !== null) await announceEnd(tx, after.id)
}

/** Refused, or busy meanwhile: the next observation sees which, so neither is an error. */
async function startOne(deps: ReleaseDeps, tx: Tx, batch: Batch, item: BatchItem): Promise<void> {
  const state = await deps.states.load(tx, item.releaseId, { lock: true })
  if (state === null || reasonToSkip(state, batch.targetVersion) !== null) return
  const operation = child(batch, item, state)
  const command = { kind: 'upgrade', operation, ifRevision: state.release.revision } as const
  const given = { command, now: deps.clock.now(), share: shareOf(batch) }
  try {
    await executeOn(tx, deps.machine, { id: item.releaseId, state }, given)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
  }
}

/** What is done over several tenants takes no share of theirs: it would stand before what they ask for. */
export function shareOf({ tenantId }: Pick<Batch, 'tenantId'>): Share {
  return tenantId ?? fleetShare
}

/** A batch upgrade keeps every tenant's overrides (SPEC section 3). Helm renders; the gateway holds the namespace. */
function child(batch: Batch, item: BatchItem, { release }: ReleaseState): NewOperation {
  const chart = batch.resolved
  return {
    id: item.operationId,
    parentId: batch.id,
    performedBy: batch.performedBy,
    principalId: batch.principalId,
    reason: batch.reason,
    request: {
      ...batch.options,
      description: `batch upgrade to ${batch.targetVersion}`,
      forceConflicts: false,
      chartDigest: chart.digest,
      chartVersion: chart.version,
      appVersion: chart.appVersion,
      values: nextValues(release.values, undefined, 'merge'),
      targetRevision: null,
      hasHooks: chart.hasHooks,
      heldBy: null,
    },
  }
}
