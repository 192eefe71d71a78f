import { type Selectable, type SelectQueryBuilder, sql } from 'kysely'
import type { Json } from '../../core/json.ts'
import type { Principal, Uuid } from '../../core/subject.ts'
import { contains, onPage, type Page } from '../../infra/database/ordered.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import type { Vault } from '../../infra/secrets/vault.ts'
import { nothingOverwritten, type Operation } from '../core/model.ts'
import { evidenceView, isOfAct, keptForm, keptOf, openEvidence } from '../evidence.ts'
import { listedColumns, operationOf } from './rows.ts'
import { sealedAs } from './sealed.ts'
import { type OperationRow, type ReleaseTables, tables } from './tables.ts'

/** An operation's row without what is encrypted. */
export type OperationListing = Omit<Selectable<OperationRow>, 'values_enc' | 'evidence_enc'>

/**
 * An operation that the caller may see: of its tenants, or its own. Null otherwise, as for one that does not exist.
 */
export async function visibleOperation(db: Db, principal: Principal, id: Uuid): Promise<OperationListing | null> {
  const row = await of(db).selectFrom('operations').select(listedColumns).where('id', '=', id).executeTakeFirst()
  return row === undefined || !mayRead(principal, row) ? null : row
}

function mayRead(principal: Principal, row: OperationListing): boolean {
  if (principal.tenants === 'all') return true
  if (row.tenant_id === null) return row.principal_id === principal.id
  return principal.tenants.includes(row.tenant_id)
}

export type OperationFilter = {
  readonly releaseId?: Uuid | undefined
  readonly status?: string | undefined
  /** Part of the kind, of who asked, or of the reason. */
  readonly q?: string | undefined
}

export const operationOrders = ['createdAt', '-createdAt'] as const

/** Operations that the caller may see, in an order. */
export async function listOperations(
  db: Db,
  principal: Principal,
  filter: OperationFilter,
  page: Page<(typeof operationOrders)[number]>,
): Promise<readonly OperationListing[]> {
  return readable(of(db).selectFrom('operations').select(listedColumns), principal, filter)
    .$call(onPage('created_at', page))
    .execute()
}

/** How many operations of a filter the caller may see in all. */
export async function countOperations(db: Db, principal: Principal, filter: OperationFilter): Promise<number> {
  const query = of(db).selectFrom('operations').select(sql<string>`count(*)`.as('n'))
  const row = await readable(query, principal, filter).executeTakeFirstOrThrow()
  return Number(row.n)
}

type Operations<O> = SelectQueryBuilder<ReleaseTables, 'operations', O>

function readable<O>(query: Operations<O>, principal: Principal, filter: OperationFilter): Operations<O> {
  let q = query
  if (principal.tenants !== 'all') {
    const mine = sql<boolean>`(tenant_id = any(${[...principal.tenants]}::uuid[]) or (tenant_id is null and principal_id = ${principal.id}))`
    q = q.where(mine)
  }
  if (filter.releaseId !== undefined) q = q.where('release_id', '=', filter.releaseId)
  if (filter.status !== undefined) q = q.where('status', '=', filter.status)
  return filter.q === undefined ? q : q.where(contains(['kind', 'performed_by', 'reason'], filter.q))
}

const of = (db: Db) => tables(db as Tx)

/** What was kept of an operation, decrypted; for the tenant only. */
export async function keptOfOperation(
  db: Db,
  vault: Vault,
  id: Uuid,
): Promise<Pick<Operation, 'evidence' | 'overwritten'>> {
  const row = await of(db).selectFrom('operations').select('evidence_enc').where('id', '=', id).executeTakeFirst()
  if (row === undefined || row.evidence_enc === null) return { evidence: null, overwritten: nothingOverwritten }
  const { evidence: kept, overwritten } = keptOf(vault.open(row.evidence_enc, sealedAs.evidence(id)))
  const evidence = openEvidence(vault, id, kept)
  return { evidence: isOfAct(evidence) ? evidenceView(evidence, null) : evidence, overwritten }
}

/** What was kept of a failure, with what its way back overwrote. Null where nothing was kept. */
export async function evidenceOf(db: Db, vault: Vault, id: Uuid): Promise<Json> {
  return keptForm(await keptOfOperation(db, vault, id))
}

/** The newest operation of a release that began to deploy something; null where there is none. */
export async function newestDeployment(db: Db, vault: Vault, releaseId: Uuid): Promise<Operation | null> {
  const row = await of(db)
    .selectFrom('operations')
    .selectAll()
    .where('release_id', '=', releaseId)
    .where('kind', 'in', ['install', 'upgrade', 'rollback'])
    .where('started_at', 'is not', null)
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : operationOf(row, vault)
}

const acceptingLock = (id: Uuid) => sql`hashtextextended(${`operation ${id}`}, 0)`

/** Taken first by the transaction that accepts an operation: others can ask whether it has ended. */
export async function holdAccepting(tx: Tx, id: Uuid): Promise<void> {
  await sql`select pg_advisory_xact_lock(${acceptingLock(id)})`.execute(tx)
}

/**
 * Whether an operation was accepted; null while its transaction has not ended, as one whose connection broke may still be
 * committing. Throws when the database does not answer.
 */
export async function wasAccepted(db: Db, id: Uuid): Promise<boolean | null> {
  // Before the look, not with it: a statement sees what was there when it began.
  const { rows } = await sql<{
    ended: boolean
  }>`select pg_try_advisory_xact_lock(${acceptingLock(id)}) as ended`.execute(db)
  return rows[0]?.ended === true ? operationExists(db, id) : null
}

/** Whether there is an operation. Throws when the database does not answer. */
export async function operationExists(db: Db, id: Uuid): Promise<boolean> {
  const row = await tables(db as Tx)
    .selectFrom('operations')
    .select('id')
    .where('id', '=', id)
    .executeTakeFirst()
  return row !== undefined
}

/** When the operation ended; null while it has not. */
export async function endOf(db: Db, id: Uuid): Promise<Date | null> {
  const row = await of(db).selectFrom('operations').select('ended_at').where('id', '=', id).executeTakeFirst()
  return row?.ended_at ?? null
}

/** How those of some operations that have ended did: `succeeded`, `failed` or `cancelled`. */
export async function operationOutcomes(db: Db, ids: readonly Uuid[]): Promise<ReadonlyMap<Uuid, string>> {
  const rows = await of(db)
    .selectFrom('operations')
    .select(['id', 'status'])
    .where('id', '=', sql<Uuid>`any(${[...ids]}::uuid[])`)
    .where('ended_at', 'is not', null)
    .execute()
  return new Map(rows.map(({ id, status }) => [id, status.toLowerCase()]))
}
