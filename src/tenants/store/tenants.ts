import { sql } from 'kysely'
import type { Instant } from '../../core/instant.ts'
import type { Principal, Uuid } from '../../core/subject.ts'
import { contains, type OrderColumn, onPage, type Page, type Place, placeAt } from '../../infra/database/ordered.ts'
import { fromInstant, toInstant } from '../../infra/database/pool.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import { tables } from './tables.ts'

export type Tenant = {
  readonly id: Uuid
  readonly name: string
  readonly clusterId: Uuid
  readonly namespaces: readonly string[]
  readonly platformVersion: string | null
  readonly createdAt: Instant
}

/** Registers a tenant; false when its id is taken. */
export async function insertTenant(tx: Tx, tenant: Omit<Tenant, 'namespaces'>): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tables(tx)
    .insertInto('tenants')
    .values({
      id: tenant.id,
      name: tenant.name,
      cluster_id: tenant.clusterId,
      platform_version: tenant.platformVersion,
      created_at: fromInstant(tenant.createdAt),
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows === 1n
}

/** One tenant, or null. */
export async function findTenant(db: Db | Tx, id: Uuid): Promise<Tenant | null> {
  const row = await selectTenants(db).where('id', '=', id).executeTakeFirst()
  return row ? tenantOf(row) : null
}

export type TenantFilter = { readonly scope: Principal['tenants']; readonly q?: string | undefined }

export const tenantOrders = ['createdAt', '-createdAt', 'name', '-name'] as const
export type TenantOrder = (typeof tenantOrders)[number]

/** Tenants that the caller may see, in an order. */
export async function listTenants(db: Db, filter: TenantFilter, page: Page<TenantOrder>): Promise<readonly Tenant[]> {
  const column: OrderColumn = page.order.endsWith('name') ? 'name' : 'created_at'
  const rows = await within(selectTenants(db), filter).$call(onPage(column, page)).execute()
  return rows.map(tenantOf)
}

/** Where a tenant stands in an order. */
export function placeOfTenant(order: TenantOrder, { id, name, createdAt }: Tenant): Place {
  return order.endsWith('name') ? { value: name, id } : placeAt(createdAt, id)
}

/** How many tenants the caller may see. */
export async function countTenants(db: Db, { scope, q }: TenantFilter): Promise<number> {
  let query = tables(db)
    .selectFrom('tenants')
    .select((eb) => eb.fn.countAll<number>().as('n'))
  if (scope !== 'all') query = query.where('id', '=', sql<Uuid>`any(${scope}::uuid[])`)
  if (q !== undefined) query = query.where(contains(['name'], q))
  return (await query.executeTakeFirstOrThrow()).n
}

/** Which of these tenants exist. */
export async function existingTenants(tx: Tx, ids: readonly Uuid[]): Promise<ReadonlySet<Uuid>> {
  const rows = await tables(tx)
    .selectFrom('tenants')
    .select('id')
    .where('id', '=', sql<Uuid>`any(${ids}::uuid[])`)
    .execute()
  return new Set(rows.map((row) => row.id))
}

function selectTenants(db: Db | Tx) {
  const namespaces = sql<
    string[]
  >`array(select n.name from namespaces n where n.tenant_id = tenants.id order by n.name)`
  return tables(db)
    .selectFrom('tenants')
    .select(['id', 'name', 'cluster_id', 'platform_version', 'created_at', namespaces.as('namespaces')])
}

function within(query: ReturnType<typeof selectTenants>, { scope, q }: TenantFilter) {
  const scoped = scope === 'all' ? query : query.where('id', '=', sql<Uuid>`any(${scope}::uuid[])`)
  return q === undefined ? scoped : scoped.where(contains(['name'], q))
}

type Row = Awaited<ReturnType<ReturnType<typeof selectTenants>['execute']>>[number]

function tenantOf(row: Row): Tenant {
  return {
    id: row.id,
    name: row.name,
    clusterId: row.cluster_id,
    namespaces: row.namespaces,
    platformVersion: row.platform_version,
    createdAt: toInstant(row.created_at),
  }
}
