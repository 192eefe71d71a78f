import { type Selectable, sql } from 'kysely'
import type { DomainEvent } from '../../core/events.ts'
import type { Instant } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import { jsonb } from '../../infra/database/jsonb.ts'
import { contains, type OrderColumn, onPage, type Page, type Place, placeAt } from '../../infra/database/ordered.ts'
import { fromInstant, toInstant } from '../../infra/database/pool.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import { violatesUnique } from '../../infra/database/unique.ts'
import { record } from '../../infra/events/events.ts'
import type { Component } from '../core/model.ts'
import { type ComponentRow, tables } from './tables.ts'

/** Writes a new component, without events so far; false when its name is taken. */
export async function insertComponent(tx: Tx, component: Component): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tables(tx)
    .insertInto('components')
    .values({ id: component.id, ...columnsOf(component), seq: 0, created_at: fromInstant(component.createdAt) })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows === 1n
}

/**
 * Writes a component that `lockComponent` has locked; false when its name is taken, and then the transaction can only be
 * given up.
 */
export async function updateComponent(tx: Tx, component: Component): Promise<boolean> {
  try {
    await tables(tx).updateTable('components').set(columnsOf(component)).where('id', '=', component.id).execute()
    return true
  } catch (error) {
    if (violatesUnique(error, 'components_name_key')) return false
    throw error
  }
}

/** A component, its row locked until the transaction ends; null when unknown. */
export async function lockComponent(tx: Tx, id: Uuid): Promise<Component | null> {
  const row = await tables(tx).selectFrom('components').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
  return row ? componentOf(row) : null
}

/** Appends events of a component under its row lock, with the next sequence numbers. */
export async function recordComponent(tx: Tx, id: Uuid, events: readonly DomainEvent[], at: Instant): Promise<void> {
  const counting = sql`update components set seq = seq + ${events.length} where id = ${id} returning seq`
  await record(tx, { subject: { kind: 'component', id }, tenantId: null, counting, at }, events)
}

/** One component, or null. */
export async function findComponent(db: Db, id: Uuid): Promise<Component | null> {
  const row = await tables(db).selectFrom('components').selectAll().where('id', '=', id).executeTakeFirst()
  return row ? componentOf(row) : null
}

/** The components whose releases run one of these charts, by name. */
export async function componentsOfCharts(db: Db, charts: readonly string[]): Promise<readonly Component[]> {
  const wanted = sql<string>`any(${[...charts]}::text[])`
  const rows = await tables(db)
    .selectFrom('components')
    .selectAll()
    .where('chart_name', '=', wanted)
    .orderBy('name')
    .execute()
  return rows.map(componentOf)
}

export const componentOrders = ['createdAt', '-createdAt', 'name', '-name'] as const
export type ComponentOrder = (typeof componentOrders)[number]

/** What a list of components is narrowed by. `q` is a part of the name, the category, the chart or the description. */
export type ComponentFilter = {
  readonly q?: string | undefined
  readonly category?: string | undefined
  readonly chartName?: string | undefined
}

/** Components of a filter, in an order. */
export async function listComponents(
  db: Db,
  filter: ComponentFilter,
  page: Page<ComponentOrder>,
): Promise<readonly Component[]> {
  const column: OrderColumn = page.order.endsWith('name') ? 'name' : 'created_at'
  const rows = await filtered(db, filter).selectAll().$call(onPage(column, page)).execute()
  return rows.map(componentOf)
}

/** Where a component stands in an order. */
export function placeOfComponent(order: ComponentOrder, { id, name, createdAt }: Component): Place {
  return order.endsWith('name') ? { value: name, id } : placeAt(createdAt, id)
}

/** How many components a filter has in all. */
export async function countComponents(db: Db, filter: ComponentFilter): Promise<number> {
  const counted = filtered(db, filter).select((eb) => eb.fn.countAll<number>().as('n'))
  return (await counted.executeTakeFirstOrThrow()).n
}

function filtered(db: Db, { q, category, chartName }: ComponentFilter) {
  let query = tables(db).selectFrom('components')
  if (q !== undefined) query = query.where(contains(['name', 'category', 'chart_name', 'description'], q))
  if (category !== undefined) query = query.where('category', '=', category)
  if (chartName !== undefined) query = query.where('chart_name', '=', chartName)
  return query
}

function columnsOf(component: Component) {
  return {
    name: component.name,
    category: component.category,
    chart_name: component.chartName,
    health_endpoint: jsonb(component.healthEndpoint),
    description: component.description,
    updated_at: fromInstant(component.updatedAt),
  }
}

function componentOf(row: Selectable<ComponentRow>): Component {
  return {
    id: row.id,
    name: row.name,
    category: row.category,
    chartName: row.chart_name,
    healthEndpoint: row.health_endpoint,
    description: row.description,
    createdAt: toInstant(row.created_at),
    updatedAt: toInstant(row.updated_at),
  }
}
