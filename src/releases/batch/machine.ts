import { Problem } from '../../core/problems.ts'
import { executeIn, fenced } from '../../infra/engine/index.ts'
import type { ActContext, Lease } from '../../infra/engine/types.ts'
import type { BatchMachine, ReleaseDeps } from '../commands/context.ts'
import type { NewOperation, ReleaseState } from '../core/model.ts'
import { nextValues } from '../core/values.ts'
import { recordBatch } from '../store/record.ts'
import { type Batch, type BatchItem, decideBatch, itemsToLookAt } from './core.ts'
import { loadBatch, lookAtItems, reasonToSkip, saveBatch } from './store.ts'

/** The machine of batch upgrades. Its only act is to give upgrades to releases; helm is never its business. */
export function batchMachine(deps: ReleaseDeps): BatchMachine {
  return {
    kind: 'batch',
    decide: decideBatch,
    load: loadBatch,
    save: (tx, before, after) => saveBatch(tx, before, after, new Date(deps.clock.now())),
    record: (tx, batch, events) => recordBatch(tx, batch, events, deps.clock.now()),
    mustAbort: () => false,
    observe: (batch) =>
      deps.db
        .transaction()
        .execute((tx) =>
          lookAtItems(tx, deps.states, batch.endedAt === null ? itemsToLookAt(batch) : [], batch.targetVersion),
        ),
    acts: { start: (act, context) => startAll(deps, act.items, context) },
  }
}

async function startAll(deps: ReleaseDeps, items: readonly BatchItem[], { lease }: ActContext): Promise<void> {
  const batch = await loadBatch(deps.db, lease.subject.id, false)
  if (batch === null) return
  for (const item of items) await startOne(deps, batch, item, lease)
}

/** Refused, or started already by a worker that was lost: the next observation sees which, so neither is an error. */
async function startOne(deps: ReleaseDeps, batch: Batch, item: BatchItem, lease: Lease): Promise<void> {
  try {
    await fenced(deps.db, lease, async (tx) => {
      const state = await deps.states.load(tx, item.releaseId, true)
      if (state === null || state.operation?.id === item.operationId) return
      if (reasonToSkip(state, batch.targetVersion) !== null) return
      const operation = child(batch, item, state)
      const order = { kind: 'upgrade', operation, ifRevision: state.release.revision } as const
      await executeIn(tx, deps.machine, item.releaseId, { command: order, now: deps.clock.now() })
    })
  } catch (error) {
    if (!(error instanceof Problem)) throw error
  }
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
