import { type Selectable, sql } from 'kysely'
import { compare, valid } from 'semver'
import type { Instant } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import { jsonbText } from '../../infra/database/jsonb.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import type { Change } from '../../infra/engine/index.ts'
import type { Loading } from '../../infra/engine/types.ts'
import { recordWith } from '../../infra/events/events.ts'
import type { Outcome, ReleaseState } from '../core/model.ts'
import { openOperation, type Situation, situationOf } from '../core/situation.ts'
import { ofBatch } from '../store/record.ts'
import { type ReleaseStates, StaleState } from '../store/state.ts'
import { type OperationRow, tables } from '../store/tables.ts'
import {
  type Batch,
  type BatchChart,
  type BatchItem,
  type BatchObservation,
  type BatchOptions,
  type ItemSight,
  waitOf,
} from './core.ts'

export const batchKind = 'batch-upgrade'

type BatchRequest = {
  readonly chart: string
  readonly resolved: BatchChart
  readonly targetVersion: string
  readonly concurrency: number
  readonly options: BatchOptions
}
type BatchDocument = { readonly items: readonly BatchItem[] }

/** The batch with its row; `lock` takes the row lock. Null: there is no such batch. */
export async function loadBatch(db: Db, id: Uuid, { lock = false }: Loading<Batch> = {}): Promise<Batch | null> {
  const query = tables(db).selectFrom('operations').selectAll().where('id', '=', id).where('kind', '=', batchKind)
  const row = await (lock ? query.forUpdate() : query).executeTakeFirst()
  return row === undefined ? null : batchOf(row)
}

function batchOf(row: Selectable<OperationRow>): Batch {
  const request = row.request as unknown as BatchRequest
  return {
    ...request,
    id: row.id,
    tenantId: row.tenant_id,
    items: (row.state as unknown as BatchDocument).items,
    starting: null,
    cancelRequested: row.cancel_requested_at !== null,
    performedBy: row.performed_by,
    principalId: row.principal_id,
    reason: row.reason,
    startedAt: row.started_at?.getTime() ?? null,
    endedAt: row.ended_at?.getTime() ?? null,
    outcome:
      row.ended_at === null ? null : { status: row.status as Outcome['status'], error: row.error as Outcome['error'] },
    seq: BigInt(row.seq),
    version: row.version,
  }
}

/** Writes a batch that is new. */
export async function insertBatch(tx: Tx, batch: Batch, now: Date): Promise<void> {
  const { chart, resolved, targetVersion, concurrency, options } = batch
  await tables(tx)
    .insertInto('operations')
    .values({
      id: batch.id,
      tenant_id: batch.tenantId,
      release_id: null,
      parent_id: null,
      execution_id: null,
      kind: batchKind,
      request: jsonbText({ chart, resolved, targetVersion, concurrency, options } satisfies BatchRequest),
      values_enc: null,
      result: 'null',
      evidence_enc: null,
      performed_by: batch.performedBy,
      principal_id: batch.principalId,
      reason: batch.reason,
      seq: 0,
      version: 0,
      created_at: now,
      ...changing(batch, now),
    })
    .execute()
}

/** Writes what a decision changed. Throws `StaleState` when the row is no longer the one that was loaded. */
export async function saveBatch(tx: Tx, { before, after, events }: Change<Batch>, now: Instant): Promise<void> {
  const counting = tables(tx)
    .updateTable('operations')
    .set({ ...changing(after, new Date(now)), version: before.version + 1 })
    .set('seq', sql`seq + ${events.length}`)
    .where('id', '=', after.id)
    .where('version', '=', before.version)
    .returning('seq')
  const isSaved = await recordWith(tx, ofBatch(after, sql`${counting}`, now), events)
  if (!isSaved) throw new StaleState(`batch ${after.id} changed meanwhile`)
}

function changing(batch: Batch, now: Date) {
  return {
    state: jsonbText({ items: batch.items } satisfies BatchDocument),
    status: batch.outcome?.status ?? (batch.startedAt === null ? 'QUEUED' : 'RUNNING'),
    waiting_for: jsonbText(waitOf(batch)),
    error: 'null',
    cancel_requested_at: batch.cancelRequested ? now : null,
    started_at: batch.startedAt === null ? null : new Date(batch.startedAt),
    ended_at: batch.endedAt === null ? null : new Date(batch.endedAt),
  }
}

/** Looks at the operations and releases of some items. */
export async function lookAtItems(
  db: Db,
  states: ReleaseStates,
  items: readonly BatchItem[],
  targetVersion: string,
): Promise<BatchObservation> {
  const children = await childrenOf(db, items)
  const sights = new Map<Uuid, ItemSight>()
  for (const item of items) {
    const child = children.get(item.operationId)
    sights.set(item.operationId, child ?? (await releaseSight(db, states, item, targetVersion)))
  }
  return sights
}

async function childrenOf(db: Db, items: readonly BatchItem[]): Promise<Map<Uuid, ItemSight>> {
  const ids = items.map((item) => item.operationId)
  if (ids.length === 0) return new Map()
  const rows = await tables(db)
    .selectFrom('operations')
    .select(['id', 'status', 'error', 'ended_at'])
    .where('id', '=', sql<Uuid>`any(${ids}::uuid[])`)
    .execute()
  return new Map(rows.map((row) => [row.id, childSight(row)]))
}

function childSight(row: { status: string; error: unknown; ended_at: Date | null }): ItemSight {
  if (row.ended_at === null) return { kind: 'running' }
  return { kind: 'ended', outcome: { status: row.status as Outcome['status'], error: row.error as Outcome['error'] } }
}

async function releaseSight(db: Db, states: ReleaseStates, item: BatchItem, targetVersion: string): Promise<ItemSight> {
  const state = await states.load(db, item.releaseId)
  const reason = state === null ? 'the release is gone' : reasonToSkip(state, targetVersion)
  return reason === null ? { kind: 'startable' } : { kind: 'busy', reason }
}

/** PENDING, claimed and frozen releases are skipped (SPEC section 3); so are those that do not take an upgrade. */
const busy: Readonly<Record<Situation, string | null>> = {
  ownOperation: 'an operation is in progress',
  claimed: 'an upgrade execution holds it',
  external: 'another hand is working on it',
  deployed: null,
  failedInstall: null,
  failedChange: null,
  failedUninstall: 'its last uninstall did not finish',
  frozen: 'it is frozen after an upgrade execution',
  uninstalled: 'it is uninstalled',
}

/** Why a batch leaves a release alone when its turn comes: it is busy, or somebody moved it as far meanwhile. */
export function reasonToSkip(state: ReleaseState, targetVersion: string): string | null {
  const open = openOperation(state)
  const reason = busy[situationOf(state)]
  if (reason !== null) return open === null ? reason : `${reason}: ${open.kind} ${open.id}`
  const { chartVersion } = state.release
  return valid(chartVersion) !== null && compare(chartVersion, targetVersion) >= 0 ? `it runs ${chartVersion}` : null
}
