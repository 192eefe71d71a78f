import type { Json } from '../../core/json.ts'
import type { Uuid } from '../../core/subject.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import type { PastRevision } from '../../infra/kubernetes/index.ts'
import { CannotOpen, type Vault } from '../../infra/secrets/vault.ts'
import type { ReleaseStatus, RevisionSummary } from '../core/model.ts'
import { revisionColumns, revisionOf } from './rows.ts'
import { sealedAs } from './sealed.ts'
import { tables } from './tables.ts'

/** A chart that runs somewhere, at the version that was deployed last. */
export type DeployedChart = { readonly chartName: string; readonly chartVersion: string }

/** The release that has a name now, if there is one; those that are UNINSTALLED have given theirs up. */
export async function releaseByName(tx: Tx, clusterId: Uuid, namespace: string, name: string) {
  const row = await tables(tx)
    .selectFrom('releases')
    .select(['id', 'status'])
    .where('cluster_id', '=', clusterId)
    .where('namespace', '=', namespace)
    .where('name', '=', name)
    .where('status', '<>', 'UNINSTALLED')
    .executeTakeFirst()
  return row === undefined ? null : { id: row.id, status: row.status as ReleaseStatus }
}

type Named = Readonly<Record<'tenantId' | 'clusterId' | 'namespace' | 'name', string>>

/** What is mirrored of these records of Helm under a tenant's releases of this name; of one, what was told of it last comes first. */
export async function revisionsOfName(
  db: Db | Tx,
  named: Named,
  secretUids: readonly string[],
): Promise<readonly RevisionSummary[]> {
  if (secretUids.length === 0) return []
  const rows = await of(db)
    .selectFrom('revisions')
    .innerJoin('releases', 'releases.id', 'revisions.release_id')
    .select(revisionColumns.map((column) => `revisions.${column}` as const))
    .where('releases.tenant_id', '=', named.tenantId)
    .where('releases.cluster_id', '=', named.clusterId)
    .where('releases.namespace', '=', named.namespace)
    .where('releases.name', '=', named.name)
    .where('revisions.secret_uid', 'in', secretUids)
    .orderBy('releases.created_at', 'desc')
    .execute()
  return rows.map(revisionOf)
}

/** Every revision of a release, newest first. */
export async function historyOf(db: Db | Tx, releaseId: Uuid): Promise<readonly RevisionSummary[]> {
  const rows = await of(db)
    .selectFrom('revisions')
    .select(revisionColumns)
    .where('release_id', '=', releaseId)
    .orderBy('revision', 'desc')
    .execute()
  return rows.map(revisionOf)
}

/** Values and manifest of one revision, decrypted; null when it is not mirrored. */
export async function revisionContent(db: Db | Tx, vault: Vault, releaseId: Uuid, revision: number) {
  const row = await of(db)
    .selectFrom('revisions')
    .selectAll()
    .where('release_id', '=', releaseId)
    .where('revision', '=', revision)
    .executeTakeFirst()
  if (row === undefined) return null
  const values = vault.open(row.values_enc, sealedAs.revisionValues(releaseId, revision))
  const manifest = String(vault.open(row.manifest_enc, sealedAs.manifest(releaseId, revision)))
  return { ...revisionOf(row), values, manifest }
}

const rememberedValues = 20

/** The values of the newest revisions, decrypted: what was secret in one of them stays so. */
export async function recentValues(db: Db | Tx, vault: Vault, releaseId: Uuid): Promise<readonly Json[]> {
  const rows = await of(db)
    .selectFrom('revisions')
    .select(['values_enc', 'revision'])
    .where('release_id', '=', releaseId)
    .orderBy('revision', 'desc')
    .limit(rememberedValues)
    .execute()
  return rows.map((row) => vault.open(row.values_enc, sealedAs.revisionValues(releaseId, row.revision)))
}

/** The newest revision that an upgrade of an execution made; null when it made none. */
export async function abandonedRevision(db: Db | Tx, releaseId: Uuid, executionId: Uuid): Promise<number | null> {
  const row = await of(db)
    .selectFrom('revisions')
    .innerJoin('operations', 'operations.id', 'revisions.operation_id')
    .select('revisions.revision')
    .where('revisions.release_id', '=', releaseId)
    .where('operations.execution_id', '=', executionId)
    .where('operations.kind', '=', 'upgrade')
    .orderBy('revisions.revision', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.revision ?? null
}

/** The manifest of the newest mirrored revision; null when there is none. */
export async function newestManifest(db: Db | Tx, vault: Vault, releaseId: Uuid): Promise<string | null> {
  const row = await of(db)
    .selectFrom('revisions')
    .select(['manifest_enc', 'revision'])
    .where('release_id', '=', releaseId)
    .orderBy('revision', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : String(vault.open(row.manifest_enc, sealedAs.manifest(releaseId, row.revision)))
}

/**
 * Every mirrored revision with all that it named, its hooks included, newest first: read one by one, as they are asked for.
 * Null stands for what cannot be opened: one that is damaged must not hide the others.
 */
export async function* pastRevisions(db: Db, vault: Vault, releaseId: Uuid): AsyncGenerator<PastRevision> {
  for (let row = await pastRow(db, releaseId, null); row !== undefined; ) {
    const { revision } = row
    yield { revision, manifest: namedBy(row, vault, releaseId) }
    row = await pastRow(db, releaseId, revision)
  }
}

type PastRow = NonNullable<Awaited<ReturnType<typeof pastRow>>>

function namedBy({ revision, manifest_enc, hooks_enc }: PastRow, vault: Vault, releaseId: Uuid): string | null {
  try {
    const manifest = vault.open(manifest_enc, sealedAs.manifest(releaseId, revision))
    const hooks = hooks_enc === null ? '' : vault.open(hooks_enc, sealedAs.hooks(releaseId, revision))
    return `${manifest}\n---\n${hooks}`
  } catch (error) {
    if (error instanceof CannotOpen) return null
    throw error
  }
}

function pastRow(db: Db, releaseId: Uuid, below: number | null) {
  const query = of(db).selectFrom('revisions').select(['manifest_enc', 'hooks_enc', 'revision'])
  const older = below === null ? query : query.where('revision', '<', below)
  return older.where('release_id', '=', releaseId).orderBy('revision', 'desc').limit(1).executeTakeFirst()
}

/** Each chart and version that a tenant's releases run, once. Releases that never were DEPLOYED run none. */
export async function deployedCharts(db: Db | Tx, tenantId: Uuid): Promise<readonly DeployedChart[]> {
  const rows = await of(db)
    .selectFrom('releases')
    .select(['chart', 'chart_version'])
    .distinct()
    .where('tenant_id', '=', tenantId)
    .where('status', '<>', 'UNINSTALLED')
    .where('ever_deployed', '=', true)
    .orderBy('chart')
    .orderBy('chart_version')
    .execute()
  return rows.map((row) => ({ chartName: row.chart, chartVersion: row.chart_version }))
}

function of(db: Db | Tx) {
  return tables(db as Tx)
}
