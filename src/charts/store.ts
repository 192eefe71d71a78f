import { type Kysely, sql } from 'kysely'
import type { Instant } from '../core/instant.ts'
import type { JsonObject } from '../core/json.ts'
import { Problem } from '../core/problems.ts'
import type { Uuid } from '../core/subject.ts'
import { CommitUnknown, fromInstant, transaction } from '../infra/database/pool.ts'
import type { Db, Tx } from '../infra/database/types.ts'
import { digestOf, type PackagedChart } from './archive/read.ts'
import type { ResolvedChart } from './types.ts'

type Tables = {
  chart_archives: { digest: string; archive: Buffer }
  charts: {
    name: string
    version: string
    source_id: Uuid | null
    digest: string
    app_version: string | null
    metadata: JsonObject
    created_at: Date
  }
}
const tables = (db: Db | Tx): Kysely<Tables> => db.withTables<Tables>()

/** The charts that are kept, by the digest of their bytes. Nothing is ever changed or deleted here. */
export type ChartStore = ReturnType<typeof chartStore>

export function chartStore(db: Db) {
  return {
    /** The bytes of a digest, checked against it; null when they are not kept. */
    async archive(digest: string): Promise<Buffer | null> {
      const row = await tables(db)
        .selectFrom('chart_archives')
        .select('archive')
        .where('digest', '=', digest)
        .executeTakeFirst()
      if (row !== undefined && digestOf(row.archive) !== digest) throw new Error(`the kept chart ${digest} is damaged`)
      return row?.archive ?? null
    },

    /** The chart of this name and version that came from a source, when one did before. */
    async fromSource(name: string, version: string): Promise<ResolvedChart | null> {
      const row = await sourced(db, name, version)
      return row === undefined ? null : resolved(row)
    },

    /** Whether a chart version that is kept came from this source. */
    async cameFrom(chart: Pick<ResolvedChart, 'digest' | 'name' | 'version'>, sourceId: Uuid): Promise<boolean> {
      const rows = tables(db).selectFrom('charts').select('digest').where('source_id', '=', sourceId)
      const { digest, name, version } = chart
      const row = rows.where('digest', '=', digest).where('name', '=', name).where('version', '=', version)
      return (await row.executeTakeFirst()) !== undefined
    },

    /** Every chart version that came from a source. */
    async keptFrom(sourceId: Uuid): Promise<readonly { readonly name: string; readonly version: string }[]> {
      return tables(db).selectFrom('charts').select(['name', 'version']).where('source_id', '=', sourceId).execute()
    },

    /**
     * Keeps a chart; the same bytes again change nothing. `sourceId` is null for one that came with a release of another
     * hand. With `verified` it counts as that source's from now on. Throws `digest_changed` when a source has given other
     * bytes for the name and version before.
     */
    async keep(chart: PackagedChart, sourceId: Uuid | null, now: Instant, verified = false): Promise<ResolvedChart> {
      const write = (): Promise<void> => transaction(db, (tx) => keepIn(tx, chart, { sourceId, now, verified }))
      // It may be there or not; writing it again finds out, and changes nothing when it is.
      await write().catch((error: unknown) => {
        if (error instanceof CommitUnknown) return write()
        throw error
      })
      return toResolved(chart)
    },
  }
}

/** A chart as others refer to it. */
export function toResolved({ metadata, digest, hasHooks }: PackagedChart): ResolvedChart {
  return { digest, name: metadata.name, version: metadata.version, appVersion: metadata.appVersion, hasHooks }
}

type Keeping = { readonly sourceId: Uuid | null; readonly now: Instant; readonly verified: boolean }

async function keepIn(tx: Tx, chart: PackagedChart, { sourceId, now, verified }: Keeping): Promise<void> {
  const { name, version, appVersion, description, kubeVersion } = chart.metadata
  // Two servers that meet other bytes at the same moment: one of them is first.
  await sql`select pg_advisory_xact_lock(hashtextextended(${`chart ${name} ${version}`}, 0))`.execute(tx)
  const known = await sourced(tx, name, version)
  if (sourceId !== null && known !== undefined && known.digest !== chart.digest) {
    throw digestChanged(name, version, known.digest, chart.digest)
  }
  const { archive, digest } = chart
  await tables(tx)
    .insertInto('chart_archives')
    .values({ digest, archive })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  await tables(tx)
    .insertInto('charts')
    .values({
      name,
      version,
      source_id: sourceId,
      digest,
      app_version: appVersion,
      metadata: { description, kubeVersion, hasHooks: chart.hasHooks },
      created_at: fromInstant(now),
    })
    .onConflict((conflict) =>
      // Bytes that an adopted release brought may come from a source later.
      conflict.columns(['name', 'version', 'digest']).doUpdateSet((row) => {
        const given = row.ref('excluded.source_id')
        return { source_id: verified ? given : sql`coalesce(charts.source_id, ${given})` }
      }),
    )
    .execute()
}

/** A source has given other bytes for a name and version than before. */
export function digestChanged(name: string, version: string, kept: string, now: string): Problem {
  const detail = `chart ${name} ${version} had the digest ${kept} and now has ${now}: publish it under another version`
  return new Problem('digest_changed', detail, { extra: { kept, now } })
}

const sourced = (db: Db | Tx, name: string, version: string) =>
  tables(db)
    .selectFrom('charts')
    .selectAll()
    .where('name', '=', name)
    .where('version', '=', version)
    .where('source_id', 'is not', null)
    .executeTakeFirst()

function resolved(row: Tables['charts']): ResolvedChart {
  const { digest, name, version, app_version: appVersion, metadata } = row
  return { digest, name, version, appVersion, hasHooks: metadata.hasHooks === true }
}
