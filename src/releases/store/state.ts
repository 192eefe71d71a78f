import { type Selectable, sql } from 'kysely'
import type { Waiting } from '../../core/decision.ts'
import type { Instant } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import { jsonbText } from '../../infra/database/jsonb.ts'
import type { Db, Tx } from '../../infra/database/types.ts'
import type { Change } from '../../infra/engine/index.ts'
import type { Loading } from '../../infra/engine/types.ts'
import { recordWith } from '../../infra/events/events.ts'
import type { Vault } from '../../infra/secrets/vault.ts'
import { withoutHooks } from '../core/events.ts'
import type { Operation, Release, ReleaseState, RevisionRecord, RevisionSummary } from '../core/model.ts'
import { recount } from './counts.ts'
import { ofRelease, recordRelease } from './record.ts'
import {
  changingColumns,
  joinedOperation,
  joinedRow,
  operationColumns,
  operationOf,
  operationRow,
  releaseColumns,
  releaseOf,
  revisionColumns,
  revisionOf,
} from './rows.ts'
import { sealedAs } from './sealed.ts'
import { type RevisionRow, tables } from './tables.ts'

/** A row was changed by somebody else, or is gone: what was decided is void and must be decided again. */
export class StaleState extends Error {
  override readonly name = 'StaleState'
}

/** Reads and writes what decisions about releases are made of. Each call runs in the caller's transaction. */
export class ReleaseStates {
  private readonly vault: Vault

  constructor(vault: Vault) {
    this.vault = vault
  }

  /** The release with its newest operation and its revisions, oldest first. Null: unknown. */
  load(db: Db, id: Uuid, { lock = false, known }: Loading<ReleaseState> = {}): Promise<ReleaseState | null> {
    return lock ? this.lock(db, id, known) : this.read(db, id)
  }

  private async read(db: Db, id: Uuid): Promise<ReleaseState | null> {
    const row = await tables(db)
      .selectFrom('releases')
      .leftJoin('operations', 'operations.id', 'releases.operation_id')
      .selectAll('releases')
      .select(joinedOperation)
      .select(revisionsAsJson(id).as('revisions'))
      .where('releases.id', '=', id)
      .executeTakeFirst()
    if (row === undefined) return null
    const operation = joinedRow(row)
    return {
      release: releaseOf(row, this.vault),
      operation: operation === null ? null : operationOf(operation, this.vault),
      revisions: row.revisions.map(revisionOfDocument),
      mirrored: [],
    }
  }

  /**
   * Takes the row lock first and reads the rest after it: in one statement the rest could be older than the row that was
   * waited for. Operation and revisions are only ever written together with another version of the release.
   */
  private async lock(db: Db, id: Uuid, known: ReleaseState | undefined): Promise<ReleaseState | null> {
    const row = await tables(db).selectFrom('releases').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
    if (row === undefined) return null
    if (row.version !== known?.release.version) return this.read(db, id)
    return { ...known, release: releaseOf(row, this.vault), mirrored: [] }
  }

  /** Writes a release that is new, with its first operation where it has one. */
  async insert(tx: Tx, state: ReleaseState): Promise<void> {
    const { release, operation } = state
    const row = {
      id: release.id,
      ...releaseColumns(release, operation),
      values_enc: this.vault.seal(release.values, sealedAs.releaseValues(release.id)),
      seq: release.seq,
      version: release.version,
      created_at: new Date(release.createdAt),
    }
    await tables(tx).insertInto('releases').values(row).execute()
    if (operation !== null) await this.insertOperation(tx, operation, release)
    await this.mirror(tx, release, state.mirrored)
    await recount(tx, null, release)
  }

  /** Writes what differs, and the events of it. Throws `StaleState` when the row is no longer the one that was loaded. */
  async save(tx: Tx, change: Change<ReleaseState>, at: Instant): Promise<void> {
    const { before, after, events } = change
    if (after === before) return recordRelease(tx, after.release, events, at)
    await this.updateRelease(tx, change, at)
    await this.saveOperation(tx, before, after)
    await this.mirror(tx, after.release, after.mirrored)
    await recount(tx, before.release, after.release)
  }

  private async updateRelease(
    tx: Tx,
    { before: { release: before }, after, events }: Change<ReleaseState>,
    at: Instant,
  ) {
    const { release, operation } = after
    const values =
      release.values === before.values
        ? {}
        : { values_enc: this.vault.seal(release.values, sealedAs.releaseValues(release.id)) }
    const counting = tables(tx)
      .updateTable('releases')
      .set({ ...changingColumns(before, release, operation), ...values, version: before.version + 1 })
      .set('seq', sql`seq + ${events.length}`)
      .where('id', '=', release.id)
      .where('tenant_id', '=', release.tenantId)
      .where('version', '=', before.version)
      .returning('seq')
    const isSaved = await recordWith(tx, ofRelease(release, sql`${counting}`, at), events)
    if (!isSaved) throw new StaleState(`release ${release.id} changed meanwhile`)
  }

  private async saveOperation(tx: Tx, before: ReleaseState, { operation, release }: ReleaseState): Promise<void> {
    if (operation === null) return
    if (before.operation?.id !== operation.id) return this.insertOperation(tx, operation, release)
    const waitsAnew = operation.endedAt === null && !sameWait(before.release.waitingFor, release.waitingFor)
    if (before.operation === operation && !waitsAnew) return
    await this.updateOperation(tx, operation, release)
  }

  private async insertOperation(tx: Tx, operation: Operation, release: Release): Promise<void> {
    await tables(tx)
      .insertInto('operations')
      .values(operationRow(operation, release, this.vault, release.updatedAt))
      .execute()
  }

  private async updateOperation(tx: Tx, operation: Operation, release: Release): Promise<void> {
    const { numUpdatedRows } = await tables(tx)
      .updateTable('operations')
      .set({
        ...operationColumns(operation, release.waitingFor, this.vault, release.updatedAt),
        result: resultOf(operation, release),
      })
      .where('id', '=', operation.id)
      .where('ended_at', 'is', null)
      .executeTakeFirst()
    if (numUpdatedRows !== 1n) throw new StaleState(`operation ${operation.id} has ended already`)
  }

  private async mirror(tx: Tx, release: Release, records: readonly RevisionRecord[]): Promise<void> {
    for (const record of records) await this.mirrorOne(tx, release.id, record)
  }

  private async mirrorOne(tx: Tx, releaseId: Uuid, record: RevisionRecord): Promise<void> {
    const summary = summaryColumns(record)
    if (record.content === null) {
      await tables(tx)
        .updateTable('revisions')
        .set(summary)
        .where('release_id', '=', releaseId)
        .where('revision', '=', record.revision)
        .execute()
      return
    }
    const { hooks } = record.content
    const content = {
      hooks_enc: hooks === '' ? null : this.vault.seal(hooks, sealedAs.hooks(releaseId, record.revision)),
      values_enc: this.vault.seal(record.content.values, sealedAs.revisionValues(releaseId, record.revision)),
      manifest_enc: this.vault.seal(record.content.manifest, sealedAs.manifest(releaseId, record.revision)),
    }
    await tables(tx)
      .insertInto('revisions')
      .values({ release_id: releaseId, revision: record.revision, ...summary, ...content })
      .onConflict((conflict) => conflict.columns(['release_id', 'revision']).doUpdateSet({ ...summary, ...content }))
      .execute()
  }
}

/** An open operation waits for what its release waits for. */
const sameWait = (one: Waiting | null, other: Waiting | null): boolean => JSON.stringify(one) === JSON.stringify(other)

/** What an operation that succeeded made of its release; a failed one has an error instead. */
function resultOf(operation: Operation, release: Release): string {
  if (operation.outcome?.status !== 'SUCCEEDED') return 'null'
  const { id, status, revision, chartVersion } = release
  return jsonbText({ releaseId: id, status, revision, chartVersion, ...withoutHooks(operation) })
}

function summaryColumns(record: RevisionSummary) {
  return {
    secret_uid: record.secretUid,
    operation_id: record.operationId,
    verdict: record.verdict,
    chart: record.chart,
    chart_version: record.chartVersion,
    chart_digest: record.chartDigest,
    app_version: record.appVersion,
    description: record.description,
    performed_by: record.performedBy,
    created_at: new Date(record.createdAt),
  }
}

type RevisionListing = Pick<Selectable<RevisionRow>, (typeof revisionColumns)[number]>
/** JSON has no dates. */
type RevisionDocument = Omit<RevisionListing, 'created_at'> & { readonly created_at: string }

/** The revisions as one document, to come with another row: a statement less for what is read most often. */
function revisionsAsJson(releaseId: Uuid) {
  const columns = sql.join(revisionColumns.map((column) => sql.ref(column)))
  return sql<readonly RevisionDocument[]>`coalesce((select jsonb_agg(to_jsonb(r) order by r.revision)
    from (select ${columns} from revisions where release_id = ${releaseId}) r), '[]')`
}

const revisionOfDocument = (row: RevisionDocument) => revisionOf({ ...row, created_at: new Date(row.created_at) })
