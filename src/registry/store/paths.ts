import type { Uuid } from '../../core/subject.ts'
import { contains, onPage, type Page, type Place, placeAt } from '../../infra/database/ordered.ts'
import { fromInstant, toInstant } from '../../infra/database/pool.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import type { NamedEdge } from '../core/compatibility.ts'
import type { UpgradePath } from '../core/model.ts'
import { anyOf, type PathRow, tables } from './tables.ts'

/** Writes a new edge; false when there is one between the two versions. */
export async function insertPath(tx: Tx, path: UpgradePath): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tables(tx)
    .insertInto('upgrade_paths')
    .values(rowOf(path))
    .onConflict((conflict) => conflict.columns(['from_version_id', 'to_version_id']).doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows === 1n
}

/** Edges by their ids. */
export async function findPaths(db: Db, ids: readonly Uuid[]): Promise<ReadonlyMap<Uuid, UpgradePath>> {
  const rows = ids.length === 0 ? [] : await namedPaths(db).selectAll().where('id', '=', anyOf(ids)).execute()
  return new Map(rows.map((row) => [row.id, pathOf(row)]))
}

/** All edges of a component, with what routes are ranked and judged by. */
export async function edgesOf(db: Db, componentId: Uuid): Promise<readonly NamedEdge[]> {
  const rows = await namedPaths(db).select(edgeColumns).where('component_id', '=', componentId).orderBy('id').execute()
  return rows.map(edgeOf)
}

export const pathOrders = ['createdAt', '-createdAt'] as const
export type PathOrder = (typeof pathOrders)[number]

/** What a list of edges is narrowed by. `q` is a part of either version or of the notes. */
export type PathFilter = {
  readonly q?: string | undefined
  readonly componentId?: Uuid | undefined
  readonly fromVersionId?: Uuid | undefined
  readonly toVersionId?: Uuid | undefined
}

/** Edges of a filter, in an order. */
export async function listPaths(db: Db, filter: PathFilter, page: Page<PathOrder>): Promise<readonly UpgradePath[]> {
  const rows = await narrowed(namedPaths(db), filter).selectAll().$call(onPage('created_at', page)).execute()
  return rows.map(pathOf)
}

/** Where an edge stands in either order. */
export const placeOfPath = ({ id, createdAt }: UpgradePath): Place => placeAt(createdAt, id)

/** How many edges a filter has in all. */
export async function countPaths(db: Db, filter: PathFilter): Promise<number> {
  const counted = narrowed(namedPaths(db), filter).select((eb) => eb.fn.countAll<number>().as('n'))
  return (await counted.executeTakeFirstOrThrow()).n
}

/** The edges, with the numbers of the versions that they connect. */
function namedPaths(db: Db) {
  const named = tables(db)
    .selectFrom('upgrade_paths')
    .innerJoin('component_versions as source', 'source.id', 'from_version_id')
    .innerJoin('component_versions as target', 'target.id', 'to_version_id')
    .selectAll('upgrade_paths')
    .select(['source.version as from_version', 'target.version as to_version'])
  return tables(db).selectFrom(named.as('paths'))
}

function narrowed(query: ReturnType<typeof namedPaths>, { q, componentId, fromVersionId, toVersionId }: PathFilter) {
  let narrow = query
  if (q !== undefined) narrow = narrow.where(contains(['from_version', 'to_version', 'notes'], q))
  if (componentId !== undefined) narrow = narrow.where('component_id', '=', componentId)
  if (fromVersionId !== undefined) narrow = narrow.where('from_version_id', '=', fromVersionId)
  if (toVersionId !== undefined) narrow = narrow.where('to_version_id', '=', toVersionId)
  return narrow
}

function rowOf(path: UpgradePath): PathRow {
  return {
    id: path.id,
    component_id: path.componentId,
    from_version_id: path.fromVersionId,
    to_version_id: path.toVersionId,
    direct: path.direct,
    upgrade_type: path.upgradeType,
    requires_downtime: path.requiresDowntime,
    estimated_duration_minutes: path.estimatedDurationMinutes,
    risk_level: path.riskLevel,
    tested: path.tested,
    notes: path.notes,
    pre_upgrade_steps: [...path.preUpgradeSteps],
    upgrade_steps: [...path.upgradeSteps],
    post_upgrade_steps: [...path.postUpgradeSteps],
    rollback_steps: [...path.rollbackSteps],
    validation_steps: [...path.validationSteps],
    created_at: fromInstant(path.createdAt),
  }
}

type NamedRow = PathRow & { readonly from_version: string; readonly to_version: string }

function pathOf(row: NamedRow): UpgradePath {
  return {
    ...edgeOf(row),
    componentId: row.component_id,
    direct: row.direct,
    upgradeType: row.upgrade_type,
    notes: row.notes,
    preUpgradeSteps: row.pre_upgrade_steps,
    upgradeSteps: row.upgrade_steps,
    postUpgradeSteps: row.post_upgrade_steps,
    rollbackSteps: row.rollback_steps,
    validationSteps: row.validation_steps,
    createdAt: toInstant(row.created_at),
  }
}

const edgeColumns = [
  ...(['id', 'from_version_id', 'to_version_id', 'from_version', 'to_version'] as const),
  ...(['requires_downtime', 'estimated_duration_minutes', 'risk_level', 'tested'] as const),
] as const satisfies readonly (keyof NamedRow)[]

function edgeOf(row: Pick<NamedRow, (typeof edgeColumns)[number]>): NamedEdge {
  return {
    id: row.id,
    fromVersionId: row.from_version_id,
    toVersionId: row.to_version_id,
    fromVersion: row.from_version,
    toVersion: row.to_version,
    requiresDowntime: row.requires_downtime,
    estimatedDurationMinutes: row.estimated_duration_minutes,
    riskLevel: row.risk_level,
    tested: row.tested,
  }
}
