import type { Instant } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import { contains, onPage, type Page } from '../../infra/database/ordered.ts'
import { fromInstant, toInstant } from '../../infra/database/pool.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import { tables } from './tables.ts'

/** A backup that was taken elsewhere, as somebody has told us. */
export type Backup = {
  readonly id: Uuid
  readonly tenantId: Uuid
  readonly namespace: string
  readonly takenAt: Instant
  readonly reference: string
  readonly recordedBy: string
  readonly createdAt: Instant
}

export async function insertBackup(tx: Tx, backup: Backup): Promise<void> {
  await tables(tx)
    .insertInto('backups')
    .values({
      id: backup.id,
      tenant_id: backup.tenantId,
      namespace: backup.namespace,
      taken_at: fromInstant(backup.takenAt),
      reference: backup.reference,
      recorded_by: backup.recordedBy,
      created_at: fromInstant(backup.createdAt),
    })
    .execute()
}

/** What a list of backups is narrowed by. `q` is a part of the namespace or the reference. */
export type BackupFilter = {
  readonly tenantId: Uuid
  readonly namespace?: string | undefined
  readonly q?: string | undefined
}

export const backupOrders = ['takenAt', '-takenAt'] as const

/** Backups of a tenant, by when they were taken. */
export async function listBackups(
  db: Db,
  filter: BackupFilter,
  page: Page<(typeof backupOrders)[number]>,
): Promise<readonly Backup[]> {
  const rows = await filtered(db, filter).selectAll().$call(onPage('taken_at', page)).execute()
  return rows.map((row) => ({
    id: row.id,
    tenantId: row.tenant_id,
    namespace: row.namespace,
    takenAt: toInstant(row.taken_at),
    reference: row.reference,
    recordedBy: row.recorded_by,
    createdAt: toInstant(row.created_at),
  }))
}

/** How many backups a filter has in all. */
export async function countBackups(db: Db, filter: BackupFilter): Promise<number> {
  const { n } = await filtered(db, filter)
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow()
  return n
}

/** The backup of a namespace that was taken last; null where none was recorded. */
export async function newestBackup(db: Db, tenantId: Uuid, namespace: string): Promise<Backup | null> {
  const [newest] = await listBackups(db, { tenantId, namespace }, { after: null, limit: 1, order: '-takenAt' })
  return newest ?? null
}

function filtered(db: Db, { tenantId, namespace, q }: BackupFilter) {
  let query = tables(db).selectFrom('backups').where('tenant_id', '=', tenantId)
  if (namespace !== undefined) query = query.where('namespace', '=', namespace)
  return q === undefined ? query : query.where(contains(['namespace', 'reference'], q))
}
