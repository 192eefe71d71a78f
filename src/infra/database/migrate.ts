import { sql } from 'kysely'
import { type Migration as KyselyMigration, type MigrationResultSet, Migrator } from 'kysely/migration'
import type { Migration } from './migration.ts'
import { initial } from './migrations/0001_initial.ts'
import { registry } from './migrations/0002_registry.ts'
import { upgrades } from './migrations/0003_upgrades.ts'
import { grants } from './migrations/0004_grants.ts'
import { feedAndWebhooks } from './migrations/0005_feed_and_webhooks.ts'
import { health } from './migrations/0006_health.ts'
import { installation } from './migrations/0008_installation.ts'
import { authHosts } from './migrations/0009_auth_hosts.ts'
import { shares } from './migrations/0010_shares.ts'
import { sourceVerify } from './migrations/0013_source_verify.ts'
import { relays } from './migrations/0014_relays.ts'
import { revisionHooks } from './migrations/0016_revision_hooks.ts'
import { largeFleets } from './migrations/0020_large_fleets.ts'
import type { Db } from './types.ts'

/** Every step of the schema, oldest first. A step that was released never changes: add another. */
export const migrations: readonly Migration[] = [
  initial,
  registry,
  upgrades,
  grants,
  feedAndWebhooks,
  health,
  installation,
  authHosts,
  shares,
  sourceVerify,
  relays,
  revisionHooks,
  largeFleets,
]

/**
 * Brings the schema to the newest step; returns the names of the steps it applied. Any number of processes may do it
 * at once: one does, the others wait. Throws, and leaves the schema as it was, when a step fails.
 */
export async function migrate(db: Db, steps: readonly Migration[] = migrations): Promise<readonly string[]> {
  return finish(await migratorOf(db, steps).migrateToLatest())
}

/** Undoes the newest step; returns its name in a list, or an empty one when nothing is left. */
export async function undoNewest(db: Db, steps: readonly Migration[] = migrations): Promise<readonly string[]> {
  return finish(await migratorOf(db, steps).migrateDown())
}

function migratorOf(db: Db, steps: readonly Migration[]): Migrator {
  const byName = Object.fromEntries(steps.map((step) => [step.name, toKysely(step)]))
  return new Migrator({ db, provider: { getMigrations: async () => byName }, migrationTableSchema: 'public' })
}

function toKysely(step: Migration): KyselyMigration {
  const run = (statements: readonly string[]) => async (db: Db) => {
    for (const statement of statements) await sql.raw(statement).execute(db)
  }
  return { up: run(step.up), down: run(step.down) }
}

function finish({ error, results }: MigrationResultSet): readonly string[] {
  if (error !== undefined) throw error
  return (results ?? []).map((result) => result.migrationName)
}
