import { type SqlBool, sql } from 'kysely'
import type { Instant } from '../../core/instant.ts'
import type { Principal, Uuid } from '../../core/subject.ts'
import { contains, onPage, type Page } from '../../infra/database/ordered.ts'
import { fromInstant, toInstant } from '../../infra/database/pool.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import { tables } from './tables.ts'

/** Who did what to what, when, with which outcome. Holds no values and no secrets. */
export type AuditEntry = {
  readonly id: Uuid
  readonly at: Instant
  readonly principalId: string
  readonly performedBy: string
  readonly tenantId: Uuid | null
  readonly action: string
  /** What it was done to, as `kind/id`. */
  readonly subject: string
  readonly outcome: string
  readonly reason: string | null
  /** The operation that was accepted with it; null for what was done at once. */
  readonly operationId: Uuid | null
}

export async function insertAudit(tx: Tx, entry: AuditEntry): Promise<void> {
  await tables(tx)
    .insertInto('audit')
    .values({
      id: entry.id,
      at: fromInstant(entry.at),
      principal_id: entry.principalId,
      performed_by: entry.performedBy,
      tenant_id: entry.tenantId,
      action: entry.action,
      subject: entry.subject,
      outcome: entry.outcome,
      reason: entry.reason,
      operation_id: entry.operationId,
    })
    .execute()
}

export type AuditFilter = {
  /** Those whose entries the reader may see; what is of no tenant is for whoever sees all. */
  readonly tenants: Principal['tenants']
  readonly tenantId?: Uuid | undefined
  readonly action?: string | undefined
  readonly performedBy?: string | undefined
  /** Part of the action, of what it was done to, of who did it, or of the reason. */
  readonly q?: string | undefined
}

export const auditOrders = ['at', '-at'] as const

/** Audit entries of a filter, in an order. */
export async function listAudit(
  db: Db,
  filter: AuditFilter,
  page: Page<(typeof auditOrders)[number]>,
): Promise<readonly AuditEntry[]> {
  const rows = await filtered(db, filter).selectAll().$call(onPage('at', page)).execute()
  return rows.map((row) => ({
    id: row.id,
    at: toInstant(row.at),
    principalId: row.principal_id,
    performedBy: row.performed_by,
    tenantId: row.tenant_id,
    action: row.action,
    subject: row.subject,
    outcome: row.outcome,
    reason: row.reason,
    operationId: row.operation_id,
  }))
}

/** How many entries a filter has in all. */
export async function countAudit(db: Db, filter: AuditFilter): Promise<number> {
  const counted = filtered(db, filter).select((eb) => eb.fn.countAll<number>().as('n'))
  return (await counted.executeTakeFirstOrThrow()).n
}

function filtered(db: Db, { tenants, tenantId, action, performedBy, q }: AuditFilter) {
  let query = tables(db).selectFrom('audit')
  if (tenants !== 'all') query = query.where(sql<SqlBool>`tenant_id = any(${[...tenants]}::uuid[])`)
  if (tenantId !== undefined) query = query.where('tenant_id', '=', tenantId)
  if (action !== undefined) query = query.where('action', '=', action)
  if (performedBy !== undefined) query = query.where('performed_by', '=', performedBy)
  return q === undefined ? query : query.where(contains(['action', 'subject', 'performed_by', 'reason'], q))
}
