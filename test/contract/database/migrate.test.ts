import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { migrate, migrations, undoNewest } from '../../../src/infra/database/migrate.ts'
import type { Db } from '../../../src/infra/database/types.ts'
import { emptyDatabase, type FreshDatabase } from '../../support/database.ts'

describe('migrate', () => {
  let database: FreshDatabase
  beforeEach(async () => {
    database = await emptyDatabase()
  })
  afterEach(() => database.close())

  it('gives the same schema after each step was applied, undone and applied again', async () => {
    for (const [at, step] of migrations.entries()) {
      const steps = migrations.slice(0, at + 1)
      const before = await catalogue(database.db)
      expect(await migrate(database.db, steps)).toEqual([step.name])
      const applied = await catalogue(database.db)
      expect(await undoNewest(database.db, steps)).toEqual([step.name])
      expect(await catalogue(database.db)).toEqual(before)
      await migrate(database.db, steps)
      expect(await catalogue(database.db)).toEqual(applied)
    }
    expect(await migrate(database.db)).toEqual([])
  })

  it('is applied once when six do it at the same moment', async () => {
    const applied = await Promise.all(Array.from({ length: 6 }, () => migrate(database.db)))
    expect(applied.flat()).toEqual(migrations.map((step) => step.name))
  })

  it('leaves the schema as it was when a step fails', async () => {
    const broken = { name: '9999_broken', up: ['create table half (id int)', 'create table'], down: [] }
    await migrate(database.db)
    const before = await catalogue(database.db)
    await expect(migrate(database.db, [...migrations, broken])).rejects.toThrow('syntax error')
    expect(await catalogue(database.db)).toEqual(before)
  })
})

/** All that the schema consists of, apart from the migrator's own tables, as sorted lines. */
async function catalogue(db: Db): Promise<readonly string[]> {
  const { rows } = await sql<{ line: string }>`
    select format('column %s.%s %s %s %s', table_name, column_name, udt_name, is_nullable, column_default) as line
      from information_schema.columns where table_schema = 'public' and table_name not like 'kysely%'
    union all select format('index %s', indexdef) from pg_indexes
      where schemaname = 'public' and tablename not like 'kysely%'
    union all select format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
      from pg_constraint where connamespace = 'public'::regnamespace and conrelid::regclass::text not like 'kysely%'
    union all select format('sequence %s', sequencename) from pg_sequences where schemaname = 'public'
    union all select format('options %s %s', relname, reloptions) from pg_class
      where relnamespace = 'public'::regnamespace and relkind = 'r' and relname not like 'kysely%'
    order by 1`.execute(db)
  return rows.map((row) => row.line)
}
