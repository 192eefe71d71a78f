import type { Principal, Uuid } from '../../core/subject.ts'
import { maySee } from '../../tenants/index.ts'
import type { BatchItem } from '../batch/core.ts'
import { loadBatch } from '../batch/store.ts'
import type { ReleaseDeps } from '../deps.ts'
import { releasesByIds } from '../store/lists.ts'
import { type ListedRelease, listedRelease } from '../views.ts'
import { releasesWaiting } from './execution-waits.ts'

/** What a batch did, release by release, in the order in which they were taken (SPEC section 3, batch-upgrade). */
export async function batchResult(deps: ReleaseDeps, principal: Principal, id: Uuid) {
  const batch = await loadBatch(deps.db, id)
  if (batch === null) throw new Error(`there is no batch ${id}`)
  const ids = batch.items.map((item) => item.releaseId)
  const rows = await releasesWaiting(deps.ports.executions, await releasesByIds(deps.db, ids))
  const releases = new Map(
    rows.filter((row) => maySee(principal, row.tenant_id)).map((row) => [row.id, listedRelease(row)]),
  )
  const visible = batch.items.flatMap((item) => {
    const release = releases.get(item.releaseId)
    return release === undefined ? [] : [{ item, release }]
  })
  return {
    targetVersion: batch.targetVersion,
    upgraded: visible.filter(({ item }) => item.status === 'upgraded').map(({ release }) => release),
    failed: visible.filter(({ item }) => item.status === 'failed').map(failed),
    skipped: visible.filter(({ item }) => item.status === 'skipped').map(skipped),
  }
}

type Item = { readonly item: BatchItem; readonly release: ListedRelease }

function failed({ item, release }: Item) {
  return { release, code: item.code ?? 'helm_failed', detail: item.detail ?? '', operationId: item.operationId }
}

function skipped({ item, release }: Item) {
  return { release, reason: item.detail ?? 'not taken' }
}
