import { randomUUID } from 'node:crypto'
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

describe('counters of releases', () => {
  let database: FreshDatabase
  beforeEach(async () => {
    database = await emptyDatabase()
  })
  afterEach(() => database.close())

  const [clusterId, tenantId] = [randomUUID(), randomUUID()]
  const upTo = (name: string) => migrations.slice(0, migrations.findIndex((step) => step.name === name) + 1)

  it('are made of the releases that are there, on the way up and on the way down', async () => {
    const withCounters = upTo('0020_large_fleets')
    await migrate(database.db, withCounters.slice(0, -1))
    await sql`insert into clusters values (${clusterId}, 'c', 'c', now())`.execute(database.db)
    await sql`insert into tenants values (${tenantId}, 't', ${clusterId}, null, now())`.execute(database.db)
    await sql`insert into releases (id, tenant_id, cluster_id, namespace, name, chart, chart_version, status, ever_deployed,
        revision, values_enc, leftovers, performed_by, seq, version, created_at, updated_at)
      select gen_random_uuid(), ${tenantId}, ${clusterId}, 'ns', 'r' || n, 'web', '1.0.' || (n % 2),
        case when n < 3 then 'FAILED' else 'DEPLOYED' end, n > 1, 1, '', '[]', 'x', 0, 0, now(), now()
      from generate_series(1, 5) as n`.execute(database.db)
    await migrate(database.db, withCounters)
    const counted = { tenant: await counts('tenant_counts'), fleet: await counts('fleet_counts') }
    const expected = ['1.0.0 DEPLOYED true 1', '1.0.0 FAILED true 1', '1.0.1 DEPLOYED true 2', '1.0.1 FAILED false 1']
    expect(counted).toEqual({ tenant: expected, fleet: expected })
    await undoNewest(database.db, withCounters)
    const { rows } = await sql<{ n: string }>`select sum(n) as n from release_counts`.execute(database.db)
    expect(rows).toEqual([{ n: '5' }])
  })

  async function counts(table: string): Promise<readonly string[]> {
    const { rows } = await sql<{ line: string }>`
      select format('%s %s %s %s', chart_version, status, ever_deployed, n) as line from ${sql.table(table)}
      order by chart_version, status`.execute(database.db)
    return rows.map(({ line }) => line.replace(/ t /, ' true ').replace(/ f /, ' false '))
  }
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
