import { type Selectable, sql } from 'kysely'
import type { Instant } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import { jsonb } from '../../infra/database/jsonb.ts'
import { contains } from '../../infra/database/ordered.ts'
import { fromInstant, toInstant } from '../../infra/database/pool.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import type { Version, VersionStatus } from '../core/model.ts'
import { anyOf, tables, type VersionRow } from './tables.ts'

/** Writes a new version; false when the component has one of that number. */
export async function insertVersion(tx: Tx, version: Version): Promise<boolean> {
  const { id, componentId, version: number, createdAt } = version
  const { numInsertedOrUpdatedRows } = await tables(tx)
    .insertInto('component_versions')
    .values({
      id,
      component_id: componentId,
      version: number,
      ...columnsOf(version),
      created_at: fromInstant(createdAt),
    })
    .onConflict((conflict) => conflict.columns(['component_id', 'version']).doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows === 1n
}

/** Writes a version. The caller holds the lock of its component. */
export async function updateVersion(tx: Tx, version: Version): Promise<void> {
  await tables(tx)
    .updateTable('component_versions')
    .set(columnsOf(version))
    .where('id', '=', version.id)
    .where('component_id', '=', version.componentId)
    .execute()
}

/**
 * Takes `recommended` from the version that has it, unless it is `except`, and gives that version as it then is. The
 * caller holds the lock of the component, and does this before it recommends another: an index allows one only.
 */
export async function takeRecommendation(
  tx: Tx,
  componentId: Uuid,
  except: Uuid,
  at: Instant,
): Promise<Version | null> {
  const row = await tables(tx)
    .updateTable('component_versions')
    .set({ recommended: false, updated_at: fromInstant(at) })
    .where('component_id', '=', componentId)
    .where('recommended', '=', true)
    .where('id', '<>', except)
    .returningAll()
    .executeTakeFirst()
  return row ? versionOf(row) : null
}

/** One version of a component, or null. */
export async function findVersion(db: Db, componentId: Uuid, id: Uuid): Promise<Version | null> {
  const [version] = await findVersions(db, [id])
  return version?.componentId === componentId ? version : null
}

/** Versions by their ids, in no order; unknown ones are left out. */
export async function findVersions(db: Db, ids: readonly Uuid[]): Promise<readonly Version[]> {
  if (ids.length === 0) return []
  const rows = await tables(db).selectFrom('component_versions').selectAll().where('id', '=', anyOf(ids)).execute()
  return rows.map(versionOf)
}

/** What a list of versions is narrowed by. `q` is a part of the number, the description or the release notes. */
export type VersionFilter = { readonly q?: string | undefined; readonly status?: VersionStatus | undefined }

/** A version as far as it is needed to put it in its place: semver order is no order of SQL. */
export type VersionEntry = { readonly id: Uuid; readonly version: string; readonly createdAt: Instant }

/** All versions of a component that a filter leaves, in no order. */
export async function versionEntries(
  db: Db,
  componentId: Uuid,
  { q, status }: VersionFilter = {},
): Promise<readonly VersionEntry[]> {
  let query = tables(db)
    .selectFrom('component_versions')
    .select(['id', 'version', 'created_at'])
    .where('component_id', '=', componentId)
  if (q !== undefined) query = query.where(contains(['version', 'description', 'release_notes'], q))
  if (status !== undefined) query = query.where('status', '=', status)
  const rows = await query.execute()
  return rows.map(({ id, version, created_at }) => ({ id, version, createdAt: toInstant(created_at) }))
}

/** The versions of these components whose releases run one of these chart versions, in no order. */
export async function versionsOfCharts(
  db: Db,
  componentIds: readonly Uuid[],
  chartVersions: readonly string[],
): Promise<readonly { readonly componentId: Uuid; readonly version: string; readonly helmChartVersion: string }[]> {
  const rows = await tables(db)
    .selectFrom('component_versions')
    .select(['component_id', 'version', 'helm_chart_version'])
    .where('component_id', '=', anyOf(componentIds))
    .where('helm_chart_version', '=', sql<string>`any(${[...chartVersions]}::text[])`)
    .execute()
  return rows.map((row) => ({
    componentId: row.component_id,
    version: row.version,
    helmChartVersion: row.helm_chart_version,
  }))
}

/** True when a version of any component depends on a component of that name. */
export async function isDependedOn(db: Db, name: string): Promise<boolean> {
  const row = await tables(db)
    .selectFrom('component_versions')
    .select('id')
    .where(sql<boolean>`dependencies ? ${name}`)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

function columnsOf(version: Version) {
  return {
    status: version.status,
    description: version.description,
    release_notes: version.releaseNotes,
    release_date: version.releaseDate,
    end_of_support_date: version.endOfSupportDate,
    end_of_life_date: version.endOfLifeDate,
    docker_image: version.dockerImage,
    helm_chart_version: version.helmChartVersion,
    min_platform_version: version.minPlatformVersion,
    max_platform_version: version.maxPlatformVersion,
    lts: version.lts,
    recommended: version.recommended,
    dependencies: jsonb(version.dependencies),
    updated_at: fromInstant(version.updatedAt),
  }
}

function versionOf(row: Selectable<VersionRow>): Version {
  return {
    id: row.id,
    componentId: row.component_id,
    version: row.version,
    status: row.status,
    description: row.description,
    releaseNotes: row.release_notes,
    releaseDate: row.release_date,
    endOfSupportDate: row.end_of_support_date,
    endOfLifeDate: row.end_of_life_date,
    dockerImage: row.docker_image,
    helmChartVersion: row.helm_chart_version,
    minPlatformVersion: row.min_platform_version,
    maxPlatformVersion: row.max_platform_version,
    lts: row.lts,
    recommended: row.recommended,
    dependencies: row.dependencies,
    createdAt: toInstant(row.created_at),
    updatedAt: toInstant(row.updated_at),
  }
}
